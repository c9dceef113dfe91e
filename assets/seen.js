// What the model saw, pixel for pixel: of an answer, which the server sends, or of the strip under the viewer.
const dialog = element.querySelector('dialog');
const body = element.querySelector('.pictures-seen');
const show = (pictures) => {
  body.replaceChildren(...pictures.map(({ src, words }) => {
    const figure = document.createElement('figure');
    const image = new Image();
    const caption = document.createElement('figcaption');
    image.alt = `What the model saw: ${words}`;
    image.addEventListener('load', () => {
      // A pixel of the model's is a whole number of the screen's.
      const times = Math.max(1, Math.min(3, Math.floor((innerWidth * 0.8) / image.naturalWidth), Math.floor((innerHeight * 0.92 - 130) / image.naturalHeight)));
      image.width = image.naturalWidth * times;
      caption.textContent = `${words ? `${words} · ` : ''}${image.naturalWidth} x ${image.naturalHeight} pixels`;
    });
    image.src = src;
    figure.append(image, caption);
    return figure;
  }));
  if (pictures.length && !dialog.open) dialog.showModal();
  if (!pictures.length && dialog.open) dialog.close();
};
watch('value', () => show((props.value && props.value.pictures) || []));
document.addEventListener('click', (event) => {
  const button = event.target.closest('#saw [data-act=seen]');
  if (button) show([...button.querySelectorAll('img')].map(({ src }) => ({ src, words: button.dataset.words })));
});
element.addEventListener('click', (event) => {
  if (event.target === dialog || event.target.closest('[data-act=close-seen]')) dialog.close();
});
