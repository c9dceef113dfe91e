// The box for questions. The server only tells it how things stand; what is typed stays here until it is accepted.
// Events that the server hears: 'ask' 'halt' 'more'
const box = element.querySelector('textarea');
const form = element.querySelector('form');
const send = element.querySelector('.send');
const wrong = element.querySelector('.error');
const editing = element.querySelector('.editing');
const about = element.querySelector('.about');
let region = null; // The part of the picture that the next question is about.
const live = element.querySelector('#live');
let state = 'idle';
let sent = null; // What was sent and not yet accepted.
let late = 0;
let draft = ''; // What was being typed before an edit began.

const grow = () => {
  box.style.height = 'auto';
  box.style.height = `${Math.min(box.scrollHeight, 160)}px`;
};
const show = (next) => {
  state = next;
  form.classList.toggle('busy', state === 'busy');
  const name = state === 'busy' ? 'Stop' : 'Send';
  send.setAttribute('aria-label', name);
  send.title = state === 'busy' ? 'Stop (Esc)' : 'Send (Enter)';
};
const tell = (sentence) => {
  wrong.textContent = sentence;
  box.toggleAttribute('aria-invalid', Boolean(sentence));
};
const leaveEdit = () => { editing.hidden = true; };
const mean = (chosen) => {
  region = chosen;
  about.hidden = !chosen;
  about.querySelector('span').textContent = chosen ? `About ${chosen.words}` : '';
};
document.addEventListener('region', ({ detail }) => { mean(detail); box.focus(); });
about.querySelector('button').addEventListener('click', () => { mean(null); box.focus(); });

const ask = () => {
  if (state === 'busy' || sent !== null) return;
  const question = box.value.trim();
  if (!question) return tell('There is no question yet; type one, or choose a suggestion.');
  tell('');
  sent = box.value;
  show('busy');
  trigger('ask', { question, edit: !editing.hidden, looks: looks(), region: region && region.id });
  late = setTimeout(() => {
    if (sent === null) return;
    sent = null;
    show('idle');
    tell('The server does not answer. Check that it runs and that you are connected, then send again.');
  }, 15000);
};
// What is on the screen at this moment: the server may not have heard of it yet.
const looks = () => {
  const scan = document.querySelector('#scan .mv');
  return scan && scan.viewer ? scan.viewer.looks() : [];
};
const halt = () => { if (state === 'busy') trigger('halt', {}); };

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (state === 'busy') halt(); else ask();
});
box.addEventListener('input', () => { grow(); if (wrong.textContent) tell(''); });
box.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); ask(); }
  if (event.key === 'ArrowUp' && !box.value && editing.hidden) {
    const edit = document.querySelector('#talk [data-act=edit]');
    if (edit) { event.preventDefault(); edit.click(); }
  }
});
editing.querySelector('button').addEventListener('click', () => {
  leaveEdit();
  box.value = draft;
  grow();
  box.focus();
});
const typing = (target) => target.closest && target.closest('input, textarea, select');
document.addEventListener('keydown', (event) => {
  if (document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape' && state === 'busy') { event.preventDefault(); halt(); }
  if (event.key === '/' && !typing(event.target)) { event.preventDefault(); box.focus(); }
});

watch('value', () => {
  const now = props.value;
  if (!now || typeof now !== 'object') return;
  if (now.accepted && (sent !== null || now.state === 'busy')) {
    if (sent !== null && box.value === sent) { box.value = ''; leaveEdit(); mean(null); }
    sent = null;
    clearTimeout(late);
    box.focus({ preventScroll: true });
  }
  if (now.error || now.state === 'idle') { sent = null; clearTimeout(late); }
  show(now.state);
  tell(now.error || '');
  if (now.edit) {
    draft = box.value;
    box.value = now.edit;
    editing.hidden = false;
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  }
  if (now.back && box.value.trim() !== now.back.trim()) {
    box.value = box.value.trim() ? `${now.back}\n${box.value}` : now.back;
    box.focus();
  }
  if (now.wipe) {
    box.value = draft = '';
    leaveEdit();
    mean(null);
    live.replaceChildren();
  }
  if (now.say && live) {
    const sentence = document.createElement('p');
    sentence.textContent = now.say;
    live.append(sentence);
  }
  grow();
});
listens();
