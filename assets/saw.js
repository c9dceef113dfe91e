// The strip under the viewer: what of a picture goes to the model is chosen here.
// Events that the server hears: 'gives'
element.addEventListener('change', (event) => {
  if (event.target.dataset.field === 'gives') trigger('gives', { way: event.target.value });
});
