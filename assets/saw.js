// The strip under the viewer: what of a picture goes to the model is chosen here.
// Events that the server hears: 'gives'
let chosen = false;
element.addEventListener('change', (event) => {
  if (event.target.dataset.field !== 'gives') return;
  chosen = true;
  trigger('gives', { way: event.target.value });
});
// The strip is drawn anew with what was chosen; whoever works with the keyboard stays there.
watch('value', () => {
  const select = element.querySelector('select');
  if (chosen && select) select.focus();
  chosen = false;
});
