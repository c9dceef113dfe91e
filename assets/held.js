// What is held of this person: the dialog, and what happens when nobody was here for long. Runs once, in its element.
// Events that the server hears: 'forget' 'lapse'
const dialog = element.querySelector('dialog');
let seconds = null;
let timer = 0;
// The server forgets on its own; a while later the page asks, and lets go of what it still shows.
const SLACK = 2;
const LONGEST = 2 ** 31 - 1;
const wait = () => {
  clearTimeout(timer);
  if (seconds !== null) timer = setTimeout(() => trigger('lapse', {}), Math.min((seconds + SLACK) * 1000, LONGEST));
};
let idle = null;
watch('value', () => {
  const now = props.value;
  if (!now) return;
  element.querySelector('.body').innerHTML = now.body;
  if (now.seconds !== null) {
    idle = Math.max(idle || 0, now.seconds);
    seconds = now.seconds;
    wait();
  }
  if (now.wipe && dialog.open) element.querySelector('.receipt').focus();
});
for (const use of ['pointerdown', 'keydown', 'wheel']) {
  document.addEventListener(use, () => { if (seconds !== null) { seconds = idle; wait(); } }, { passive: true });
}
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (event.target === dialog || (button && button.dataset.act === 'close-receipt')) dialog.close();
  if (!button || button.dataset.act !== 'forget') return;
  button.disabled = true;
  // Before the server lets the pictures go, so that nothing asks for them any more.
  const scan = document.querySelector('#scan .mv');
  if (scan && scan.viewer) scan.viewer.show([]);
  const around = document.getElementById('viewer');
  around.dispatchEvent(new Event('forget'));
  trigger('forget', { ticket: around.dataset.ticket || '' });
});
