// The conversation: its buttons, its scrolling, the seconds that a wait takes. Runs once, in the transcript's element.
// Events that the server hears: 'suggest' 'retry' 'edit' 'undo' 'given'
element.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  const act = button.dataset.act;
  if (act === 'copy') return copy(button);
  if (act === 'suggest') return trigger('suggest', { question: button.dataset.question, looks: looks() });
  if (act === 'given') return trigger('given', { answer: Number(button.dataset.answer) });
  if (['retry', 'edit', 'undo'].includes(act)) trigger(act, {});
});

// What is on the screen at this moment: the server may not have heard of it yet.
const looks = () => {
  const scan = document.querySelector('#scan .mv');
  return scan && scan.viewer ? scan.viewer.looks() : [];
};

const copy = (button) => window.copied(button, button.closest('.turn').querySelector('.text').textContent);

// Follow the answer as it grows, unless somebody has scrolled up to read.
let follow = true;
element.addEventListener('scroll', (event) => {
  const turns = event.target;
  if (turns.classList && turns.classList.contains('turns')) follow = turns.scrollHeight - turns.scrollTop - turns.clientHeight < 48;
}, true);
const last = () => {
  const turns = element.querySelector('.turns');
  if (turns && follow) turns.scrollTop = turns.scrollHeight;
};
new MutationObserver(last).observe(element, { childList: true, subtree: true, characterData: true });

// Seconds of the wait that is going on, and whole sentences of the answer for those who listen.
let waiting = '';
let since = 0;
let spoken = 0;
const live = () => document.getElementById('live');
setInterval(() => {
  const tick = element.querySelector('.tick');
  const phase = tick ? tick.dataset.tick : '';
  if (phase !== waiting) { waiting = phase; since = performance.now(); }
  if (tick) tick.style.setProperty('--wait', `" · ${((performance.now() - since) / 1000).toFixed(0)} s"`);
}, 250);
watch('value', () => {
  const running = element.querySelector('.running .text');
  const answers = element.querySelectorAll('.answer .text');
  const newest = answers[answers.length - 1];
  if (!live() || !newest) return;
  const text = newest.textContent;
  if (running && text.length < spoken) spoken = 0;
  if (!running && !speaking) return;
  speaking = Boolean(running);
  const end = running ? Math.max(...['. ', '! ', '? ', '\n'].map((mark) => text.lastIndexOf(mark))) + 1 : text.length;
  if (end > spoken) {
    const sentence = document.createElement('p');
    sentence.textContent = text.slice(spoken, end).trim();
    live().append(sentence);
    while (live().children.length > 12) live().firstChild.remove();
    spoken = end;
  }
  if (!running) spoken = 0;
});
let speaking = false;
listens();
