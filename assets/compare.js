// The head of the Compare tab, its question box, and the buttons around the answers.
// Events that the server hears: 'ask' 'halt' 'mode' 'next' 'correct'
const scope = element.closest('.reading');
const box = element.querySelector('textarea');
const form = element.querySelector('form');
const send = element.querySelector('.send');
const wrong = element.querySelector('.error');
const live = element.querySelector('[data-live]');
const reader = element.querySelector('[name=reader]');
const modes = element.querySelectorAll('[name=mode]');
const teaching = element.querySelector('.teaching');
const bench = () => document.getElementById('compare-bench');
const KEPT = 'medvlm-reader';
let busy = false;
let sent = null; // What was sent and not yet accepted.
let late = 0;

// A name of the browser's own, until the reader gives one.
const madeUp = () => `reader-${[...crypto.getRandomValues(new Uint8Array(2))].map((n) => n.toString(16).padStart(2, '0')).join('')}`;
const keep = (name) => {
  try { localStorage.setItem(KEPT, name); } catch (refused) { /* A browser may keep nothing. */ }
};
try { reader.value = localStorage.getItem(KEPT) || ''; } catch (refused) { /* A browser may keep nothing. */ }
if (!reader.value) { reader.value = madeUp(); keep(reader.value); }
reader.addEventListener('change', () => {
  reader.value = reader.value.trim() || madeUp();
  keep(reader.value);
});

const grow = () => {
  box.style.height = 'auto';
  box.style.height = `${Math.min(box.scrollHeight, 120)}px`;
};
const show = (is) => {
  busy = is;
  form.classList.toggle('busy', is);
  send.setAttribute('aria-label', is ? 'Stop' : 'Send');
  send.title = is ? 'Stop both (Esc)' : 'Send to both (Enter)';
};
const tell = (sentence) => {
  wrong.textContent = sentence;
  box.toggleAttribute('aria-invalid', Boolean(sentence));
};
const say = (sentence) => {
  const spoken = document.createElement('p');
  spoken.textContent = sentence;
  live.append(spoken);
  while (live.children.length > 6) live.firstChild.remove();
};
const looks = () => scope.querySelector('.mv')?.viewer?.looks() ?? [];
const ask = (question) => {
  if (busy || sent !== null) return;
  if (!question.trim()) return tell('There is no question yet; type one, or choose a suggestion.');
  tell('');
  sent = question;
  show(true);
  scope.classList.remove('differing');
  trigger('ask', { question: question.trim(), looks: looks() });
  late = setTimeout(() => {
    if (sent === null) return;
    sent = null;
    show(false);
    tell('The server does not answer. Check that it runs and that you are connected, then send again.');
  }, 15000);
};
const halt = () => { if (busy) trigger('halt', {}); };

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (busy) halt(); else ask(box.value);
});
box.addEventListener('input', () => { grow(); if (wrong.textContent) tell(''); });
box.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); ask(box.value); }
});
for (const mode of modes) mode.addEventListener('change', () => trigger('mode', { mode: mode.value }));

const acts = {
  suggest: (button) => ask(button.dataset.question),
  next: () => { scope.classList.remove('differing'); trigger('next', {}); },
  correct: () => trigger('correct', {}),
  differences: (button) => {
    const on = scope.classList.toggle('differing');
    button.setAttribute('aria-pressed', String(on));
  },
};
scope.addEventListener('click', (event) => {
  const button = event.target.closest('#compare-ask [data-act], #compare-bench [data-act]');
  if (button && acts[button.dataset.act]) acts[button.dataset.act](button);
});

// Before anybody else's keys: what a letter means in the other tabs, it does not mean here.
const typing = (target) => target.closest && target.closest('textarea, select, input:not([type=radio]):not([type=range])');
document.addEventListener('keydown', (event) => {
  if (!element.checkVisibility() || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape' && busy) { event.preventDefault(); return halt(); }
  if (typing(event.target) || (event.key !== '/' && event.key !== 'n')) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.key === '/') box.focus();
}, true);

// Seconds of the wait that is going on; the newest question stays in sight.
let since = 0;
let waits = '';
let shown = 0;
setInterval(() => {
  const tick = bench()?.querySelector('.tick');
  const now = tick ? tick.textContent : '';
  if (now !== waits) { waits = now; since = performance.now(); }
  if (tick) tick.style.setProperty('--wait', `" · ${((performance.now() - since) / 1000).toFixed(0)} s"`);
}, 250);
let goesOn = false; // The vote has just been kept: whoever has voted goes on with Enter.
new MutationObserver(() => {
  const next = goesOn && bench().querySelector('.reveal [data-act=next]');
  if (next) { goesOn = false; next.focus({ preventScroll: true }); }
  const rows = bench().querySelectorAll('.exchange');
  if (rows.length === shown) return;
  shown = rows.length;
  const place = bench().querySelector('.exchanges');
  if (place && rows.length > 1) place.scrollTop = rows[rows.length - 1].offsetTop - place.offsetTop;
}).observe(scope, { childList: true, subtree: true });

// Everything of this page is forgotten: what was typed here, too.
document.getElementById('viewer')?.addEventListener('forget', () => {
  box.value = '';
  live.replaceChildren();
});

let settled = true;
const follow = () => {
  const now = props.value;
  if (!now || typeof now !== 'object') return;
  if (now.accepted) {
    if (sent !== null && box.value === sent) box.value = '';
    sent = null;
    clearTimeout(late);
  }
  if (now.error || !now.busy) { sent = null; clearTimeout(late); }
  show(now.busy);
  tell(now.error || '');
  for (const mode of modes) {
    mode.checked = (mode.value === 'blinded') === now.blinded;
    mode.disabled = !now.settled;
  }
  teaching.hidden = now.blinded;
  if (now.back && box.value.trim() !== now.back.trim()) {
    box.value = box.value.trim() ? `${now.back}\n${box.value}` : now.back;
    box.focus();
  }
  if (now.say) say(now.say);
  if (now.settled && !settled && now.say) {
    const next = bench().querySelector('.reveal [data-act=next]');
    goesOn = !next;
    next?.focus({ preventScroll: true });
  }
  if (now.say === 'New case') { goesOn = false; box.focus({ preventScroll: true }); }
  settled = now.settled;
  grow();
};
watch('value', follow);
follow();
element.dataset.works = '';
