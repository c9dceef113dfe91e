// The Ratings tab's parts: buttons, choices and the sign-in all become one event, 'act', which the server hears.
const NAME = 'medvlm-reader'; // The made-up name under which this browser's votes are kept.
const told = (act, data) => trigger('act', { ...data, act });

element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-act]');
  if (!button || button.type === 'submit') return;
  button.disabled = true; // Until what it did is drawn: a double click is one click.
  setTimeout(() => { button.disabled = false; }, 2000);
  told(button.dataset.act, { ...button.dataset });
});
element.addEventListener('change', (event) => {
  const field = event.target.closest('select[data-act]');
  if (field) told(field.dataset.act, { value: field.value });
});
element.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target;
  if (!form.dataset.act) return;
  const data = Object.fromEntries(new FormData(form));
  try { if (data.reader) localStorage.setItem(NAME, data.reader); } catch (refused) { /* A browser may keep nothing. */ }
  told(form.dataset.act, data);
});
watch('value', () => {
  // What comes instead of a case is read out and can be left by Enter.
  const first = element.querySelector('.rt-panel button, .rt-focus');
  if (first && element.checkVisibility()) first.focus({ preventScroll: true });
  const named = element.querySelector('form [name=reader]');
  try { if (named && !named.value) named.value = localStorage.getItem(NAME) || ''; } catch (refused) { /* Nor tell. */ }
});
// Figures are drawn when somebody looks, and again when somebody comes back.
if (element.id === 'rt-door' || element.closest('#rt-door')) {
  let last = 0;
  // What is said before Gradio listens is lost: said again until the figures, or why there are none, are there.
  const ask = () => {
    const board = document.getElementById('rt-board');
    if (last && (!board || board.querySelector('.rt-card, .error'))) return;
    last = performance.now();
    told('open', {});
    setTimeout(ask, 5000);
  };
  new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting) || (last && performance.now() - last < 3000)) return;
    if (last) told('open', {}); else ask();
    last = performance.now();
  }).observe(element);
}
