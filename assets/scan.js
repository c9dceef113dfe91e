// The viewer of the page, which is modules of its own under `viewer/`.
// Events that the server hears: 'hello' 'look' 'gone'
import(new URL('viewer/mount.js', document.baseURI)).then(({ mount }) => {
  // The box for questions listens.
  const ask = (region) => document.dispatchEvent(new CustomEvent('region', { detail: region }));
  mount(element, { props, trigger, watch }, ask);
  listens();
});
