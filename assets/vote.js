// The vote: verdict, grades, errors marked in the answers, comment. What is filled in stays here until it is kept.
// Events that the server hears: 'vote'
const form = element.querySelector('form');
const bubble = element.querySelector('.mark-words');
const details = form.querySelector('.details');
const fold = form.querySelector('.fold');
const submit = form.querySelector('.submit');
const wrong = form.querySelector('.error');
const note = form.querySelector('.note');
const said = form.querySelector('.said');
const guess = form.querySelector('.guess-tuned');
const verdicts = form.querySelector('.verdicts');
const single = form.dataset.form === 'single';
const VERDICTS = { a: 'left', t: 'tie', n: 'neither', b: 'right' };
const CRITERIA = ['correct', 'complete', 'relevant', 'clear', 'safe'];
const QUOTED = 60; // Characters of an answer that stand beside a mark.
const PATIENCE = 40000; // A database may be locked by others for half a minute.

let state = 'closed';
let key = null; // Of the case that the form is filled in for.
let id = '';
let began = 0;
let late = 0;
let chosen = null; // Words of an answer: { side, start, stop }, in code units of its text.

const scope = () => element.closest('.reading') || document;
const answer = (side) => scope().querySelector(`[data-answer=${side}] .text`);
const open = () => state === 'open' || state === 'again';
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, '0')).join('');
const value = (name) => form.querySelector(`[name="${name}"]:checked`)?.value ?? null;
const grade = (name) => (value(name) === null ? null : Number(value(name)));
// The server counts characters, the browser code units.
const characters = (text, units) => [...text.slice(0, units)].length;

const show = (next) => {
  state = next;
  form.dataset.state = state;
  const waits = state === 'keeping';
  for (const one of form.elements) if (one !== fold) one.disabled = !open();
  submit.textContent = waits ? 'Keeping…' : state === 'kept' ? 'Kept' : state === 'again' ? 'Submit correction' : 'Submit';
};
const tell = (sentence) => { wrong.textContent = sentence; };
const unfold = (is) => {
  details.hidden = !is;
  fold.setAttribute('aria-expanded', String(is));
};

const empty = () => {
  form.reset();
  for (const list of form.querySelectorAll('.errors ul')) list.replaceChildren();
  unfold(false);
  choose(null);
  light();
};

// What was said of one answer.
const remarks = (side) => {
  const text = answer(side)?.textContent ?? '';
  return {
    scores: CRITERIA.map((criterion) => grade(`${side}-${criterion}`)),
    correctness: value(`${side}-correctness`),
    errors: [...form.querySelectorAll(`.errors[data-side=${side}] li`)].map((tag) => ({
      kind: tag.querySelector('[data-field=kind]').value,
      harm: tag.querySelector('[data-field=harm]').value,
      start: tag.dataset.start === undefined ? null : characters(text, Number(tag.dataset.start)),
      stop: tag.dataset.stop === undefined ? null : characters(text, Number(tag.dataset.stop)),
    })),
  };
};
const send = () => {
  if (!open()) return;
  if (single ? value('left-correctness') === null : value('verdict') === null) {
    tell(single ? 'Say first how correct the answer is.' : 'Choose first which answer is better (A, T, N or B).');
    return;
  }
  const viewer = scope().querySelector('.mv')?.viewer;
  const before = state;
  tell('');
  const ballot = {
    id,
    key,
    verdict: single ? null : value('verdict'),
    left: remarks('left'),
    right: single ? null : remarks('right'),
    sureness: grade('sureness'),
    guess: guess && !guess.hidden ? value('guess') : null,
    comment: form.elements.comment.value,
    seconds: Math.round(performance.now() - began) / 1000,
    reader: scope().querySelector('[name=reader]')?.value ?? '',
    look: viewer ? viewer.look() : null,
  };
  show('keeping');
  trigger('vote', ballot);
  clearTimeout(late);
  late = setTimeout(() => {
    if (state !== 'keeping') return;
    show(before);
    tell('The server does not answer. What you filled in is still here: check that the server runs, then submit again.');
  }, PATIENCE);
};
form.addEventListener('submit', (event) => { event.preventDefault(); send(); });
form.addEventListener('input', () => tell(''));

// Words chosen in an answer, by mouse or by keys, and the button beside them.
const place = (text, units) => {
  const walk = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  let rest = units;
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (rest <= node.length) return [node, rest];
    rest -= node.length;
  }
  return [text, text.childNodes.length];
};
const rangeOf = (text, start, stop) => {
  const range = document.createRange();
  range.setStart(...place(text, start));
  range.setEnd(...place(text, stop));
  return range;
};
const choose = (next) => {
  chosen = next;
  bubble.hidden = !chosen || !open();
  if (bubble.hidden) return;
  const boxes = rangeOf(answer(chosen.side), chosen.start, chosen.stop).getClientRects();
  const box = boxes[boxes.length - 1];
  if (!box) return;
  bubble.style.left = `${Math.max(8, Math.min(box.right - 40, window.innerWidth - 160))}px`;
  bubble.style.top = `${Math.min(box.bottom + 4, window.innerHeight - 40)}px`;
};
document.addEventListener('selectionchange', () => {
  if (!open() || !form.checkVisibility()) return;
  const selection = document.getSelection();
  const range = selection.rangeCount ? selection.getRangeAt(0) : null;
  const inside = range && !range.collapsed && ['left', 'right'].find((side) => answer(side)?.contains(range.commonAncestorContainer));
  if (!inside) return choose(null);
  const text = answer(inside);
  const before = document.createRange();
  before.selectNodeContents(text);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  choose(whole(text.textContent, inside, start, start + range.toString().length));
});
// Whole words: a mark of half a word helps nobody.
const whole = (text, side, start, stop) => {
  const words = [...text.matchAll(/\S+/g)].map(({ index, 0: word }) => [index, index + word.length]);
  const met = words.filter(([from, to]) => from < stop && to > start);
  return met.length ? { side, start: met[0][0], stop: met[met.length - 1][1] } : null;
};
const step = (side, by, more) => {
  const text = answer(side);
  const words = [...text.textContent.matchAll(/\S+/g)].map(({ index, 0: word }) => [index, index + word.length]);
  if (!words.length) return;
  const at = (unit) => words.findIndex(([from, to]) => unit >= from && unit < to);
  const mine = chosen && chosen.side === side ? [at(chosen.start), at(chosen.stop - 1)] : null;
  const last = words.length - 1;
  const to = Math.max(0, Math.min(last, mine ? (by > 0 ? mine[1] : more ? mine[1] : mine[0]) + by : by > 0 ? 0 : last));
  const from = more && mine ? mine[0] : to;
  const [start, stop] = [words[Math.min(from, to)][0], words[Math.max(from, to)][1]];
  const selection = document.getSelection();
  selection.removeAllRanges();
  selection.addRange(rangeOf(text, start, stop));
  choose({ side, start, stop }); // At once: the next key may come before the browser says that the selection is another.
};

// Marked errors: a row of the form each, and the words lit up in the answer.
const tag = (side, span) => {
  const row = form.querySelector(`template[data-tag=${side}]`).content.firstElementChild.cloneNode(true);
  const words = span ? answer(side).textContent.slice(span.start, span.stop) : '';
  row.querySelector('q').textContent = words.length > QUOTED ? `${words.slice(0, QUOTED)}…` : words || 'the whole answer';
  if (span) Object.assign(row.dataset, { start: span.start, stop: span.stop });
  form.querySelector(`.errors[data-side=${side}] ul`).append(row);
  unfold(true);
  document.getSelection().removeAllRanges();
  choose(null);
  light();
  row.querySelector('select').focus();
};
// Where the keys of the vote work, and whoever does not see the page is told what is asked. Never away from somebody
// who has begun to type, or who works elsewhere, in the picture perhaps: the keys work there as well.
const welcome = () => {
  const at = document.activeElement;
  const box = at && scope().contains(at) ? at.closest('.ask')?.querySelector('textarea') : null;
  const left = at && at.closest('[data-act=correct], [data-act=forward], [data-act=sign-in], [data-act=review]'); // What led here is done.
  const free = !at || at === document.body || (box && !box.value) || left;
  if (free && form.checkVisibility() && !document.querySelector('dialog[open]')) verdicts.focus({ preventScroll: true });
};
const light = () => {
  // There may be several forms in the page; marks are those of the one in sight.
  if (!window.CSS || !CSS.highlights || !form.checkVisibility()) return;
  const ranges = [...form.querySelectorAll('.errors li[data-start]')].flatMap((row) => {
    const text = answer(row.closest('.errors').dataset.side);
    return text ? [rangeOf(text, Number(row.dataset.start), Number(row.dataset.stop))] : [];
  });
  CSS.highlights.set('marked-error', new Highlight(...ranges));
};
const acts = {
  fold: () => unfold(details.hidden),
  whole: (button) => tag(button.dataset.side, null),
  drop: (button) => {
    const list = button.closest('.errors');
    button.closest('li').remove();
    light();
    list.querySelector('[data-act=whole]').focus();
  },
  mark: () => { if (chosen) tag(chosen.side, chosen); },
};
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (button && acts[button.dataset.act] && (open() || button === fold)) acts[button.dataset.act](button);
});
// The button must not take the selection away that it is about.
bubble.addEventListener('mousedown', (event) => event.preventDefault());

// Keys: before anybody else's, because letters mean something else in the other tabs.
const typing = (target) => target.closest && target.closest('textarea, select, input:not([type=radio]):not([type=range])');
const pick = (name, choice) => {
  const field = form.querySelector(`[name="${name}"][value="${choice}"]`);
  if (!field || field.disabled) return false;
  field.checked = true;
  tell('');
  // The focus stays where somebody works, in the picture perhaps; who does not see the choice hears it.
  const group = field.closest('fieldset, .verdicts');
  if (group.contains(document.activeElement)) field.focus({ preventScroll: true });
  else said.textContent = field.parentElement.querySelector('span').firstChild.textContent.trim();
  return true;
};
const digit = (target, number) => {
  const fields = target.closest && target.closest('[data-digits]')?.querySelectorAll('input');
  return Boolean(fields && fields[number - 1] && pick(fields[number - 1].name, fields[number - 1].value));
};
const inAnswer = (target) => ['left', 'right'].find((side) => answer(side)?.contains(target));
const pressed = (event) => {
  const letter = event.key.toLowerCase();
  const side = event.target instanceof Node && inAnswer(event.target);
  if (letter === 'f') return unfold(details.hidden) || true;
  if (!open()) return false;
  if (VERDICTS[letter] && !single) return pick('verdict', VERDICTS[letter]);
  if (letter === 'g' && guess && !guess.hidden) return guess.focus({ preventScroll: true }) || true;
  if (/^[1-5]$/.test(letter)) return digit(event.target, Number(letter));
  if (letter === 'e' && (chosen || side)) return tag(chosen ? chosen.side : side, chosen) || true;
  if (side && (event.key === 'ArrowRight' || event.key === 'ArrowLeft')) {
    return step(side, event.key === 'ArrowRight' ? 1 : -1, event.shiftKey) || true;
  }
  if (event.key !== 'Enter' || (event.target.closest && event.target.closest('button, summary, a'))) return false;
  return send() || true;
};
document.addEventListener('keydown', (event) => {
  if (!form.checkVisibility() || event.isComposing || document.querySelector('dialog[open]')) return;
  if (event.key === 'Enter' && event.ctrlKey && element.contains(event.target)) { event.preventDefault(); return send(); }
  if (event.ctrlKey || event.metaKey || event.altKey || state === 'closed' || typing(event.target)) return;
  // Whoever measures in the picture has the viewer's keys, but for those of the verdict.
  if (pressed(event)) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);

const follow = () => {
  const now = props.value;
  if (!now || typeof now !== 'object') return;
  clearTimeout(late);
  if (now.key !== key) { key = now.key; empty(); id = ''; }
  if (now.state === 'kept') { id = ''; unfold(false); }
  else if (now.state !== 'closed' && !id) { id = newId(); began = performance.now(); unfold(now.state === 'again'); }
  if (guess) guess.hidden = !now.ask;
  const waited = !open();
  show(now.state);
  if (waited && open()) welcome();
  tell(now.error || '');
  note.textContent = now.note || '';
  light();
};
watch('value', follow);
follow();
element.dataset.works = '';
