// @ts-check
// Where the viewer meets Gradio: its value says what to show, its events say what is shown, its key fetches the pixels.
import { Viewer } from './viewer.js';

/** What Gradio gives to the script of an HTML component.
 * @typedef {{ props: Record<string, any>, trigger: (event: string, data: object) => void,
 *   watch: (what: string, call: () => void) => void }} Gradio */

/** A secret of this page alone, however often its parts are drawn anew: without it a token gives no pixels. It is
 * said to the server once and never written anywhere. */
const KEY = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24))));

let told = 0;

/** @param {string} token @param {number} slice @param {AbortSignal} stop */
const get = async (token, slice, stop) => {
  const address = new URL(`../pixels/${encodeURIComponent(token)}/${slice}`, import.meta.url);
  const reply = await fetch(address, { headers: { 'X-Pixels-Key': KEY }, cache: 'no-store', signal: stop });
  if (reply.status === 404) throw Object.assign(new Error('gone'), { gone: true });
  if (reply.status === 422) throw Object.assign(new Error('damaged'), { why: await reply.text() });
  if (!reply.ok) throw new Error(`answered ${reply.status}`);
  return reply.arrayBuffer();
};

/**
 * `ask` is told which region a question shall be about; without it nobody can be asked.
 * @param {HTMLElement} element @param {Gradio} gradio @param {import('./viewer.js').Outside['ask']} [ask] @returns {Viewer}
 */
export const mount = (element, { props, trigger, watch }, ask) => {
  const root = /** @type {HTMLElement} */ (element.querySelector('.mv'));
  // Numbered: of what the server hears at once, the last counts.
  const tell = (/** @type {string} */ event, /** @type {object} */ data) => trigger(event, { ...data, number: ++told });
  const viewer = new Viewer(root, { get, tell, ask });
  Object.assign(root, { viewer });
  const show = () => viewer.show((props.value && props.value.scans) || []);
  watch('value', show);
  show();
  // The server binds this page's pixels to the key, then sends what there is to show.
  trigger('hello', { key: KEY });
  return viewer;
};
