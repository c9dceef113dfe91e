// The gate's question and the receipt. Runs once in each of the two parts.
// Events that the server hears: 'choose' 'forget'
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button || button.disabled) return;
  if (button.dataset.act === 'choose') {
    for (const one of element.querySelectorAll('button')) one.disabled = true;
    trigger('choose', { choice: button.dataset.choice, ticket: button.dataset.ticket });
  }
  if (button.dataset.act === 'forget') trigger('forget', {});
});
// Whoever works with the keyboard is taken to the question; the first answer is the careful one.
watch('value', () => {
  const first = element.querySelector('[data-act=choose]');
  if (first) first.focus();
});
