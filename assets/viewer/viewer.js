// @ts-check
// The viewer as a whole: one state, the stages that show it, and every step that changes it.
import { Cine } from './cine.js';
import { commandsOf } from './commands.js';
import { patientAt } from './geometry.js';
import { Gestures } from './gestures.js';
import { Painter } from './grey.js';
import { listen } from './inputs.js';
import { leaving, leftBehind, lookAt, looksAt } from './looks.js';
import { Measuring } from './measuring.js';
import { Slices } from './pixels.js';
import { Stage } from './stage.js';
import * as steps from './state.js';
import { MARKUP, Toolbar } from './toolbar.js';
import { described, placeWords, valueWords } from './words.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').World} World */
/** @typedef {import('./state.js').Manifest} Manifest */
/** @typedef {import('./geometry.js').Point} Point */
/** How pixels are had, and who is told what is shown.
 * @typedef {{ get: (token: string, slice: number, stop: AbortSignal) => Promise<ArrayBuffer>,
 *   tell: (event: 'look' | 'gone', data: object) => void,
 *   ask?: (region: { id: number, words: string }) => void }} Outside without `ask` nobody can be asked about a region */

const [QUIET_MS, SPOKEN_MS] = [200, 900];

export class Viewer {
  /** @param {HTMLElement} root emptied and filled @param {Outside} outside */
  constructor(root, outside) {
    root.innerHTML = MARKUP;
    this.root = root;
    this.outside = outside;
    this.toolbar = new Toolbar(root);
    this.ended = new AbortController();
    /** @type {World} */ this.world = { scans: [], planes: [] };
    /** @type {State} */ this.state = steps.atFirst(this.world, 'window');
    /** @type {Slices[]} */ this.slices = [];
    /** @type {Stage[]} */ this.stages = [];
    /** @type {Painter[]} one for each scan, because each has a window of its own */ this.painters = [];
    this.measuring = new Measuring(this);
    this.frame = 0;
    /** @type {number[]} ms of script that the last redraws took */ this.spent = [];
    this.stirred = 0;
    this.quiet = 0;
    this.spoken = 0;
    this.resized = new ResizeObserver(() => this.resize());
    /** What each scan was left with, by its token. @type {Map<string, steps.Left>} */ this.left = new Map();
    this.cine = new Cine(this);
    this.commands = commandsOf(this);
    listen(this);
  }

  /** These scans from now on, each as it was left; of the same ones again only the presets change. @param {Manifest[]} scans */
  show(scans) {
    if (scans.map((scan) => scan.token).join() === this.world.scans.map((scan) => scan.token).join()) return this.renamed(scans);
    for (const slices of this.slices) slices.close();
    this.measuring.cancel();
    this.leave();
    if (!scans.length) this.left.clear();
    const tool = this.toolFor(scans);
    this.world = steps.worldOf(scans);
    this.state = steps.back(steps.atFirst(this.world, tool), this.world, this.left);
    this.painters = scans.map(() => new Painter());
    this.slices = scans.map((scan) => this.supply(scan));
    this.say('');
    this.root.hidden = !scans.length;
    this.rebuild();
    this.slices.forEach((slices, scan) => slices.near(this.state.shown[scan].point[2]));
    this.changed();
  }

  /** The tool in hand stays there, unless it makes no sense for every picture. @param {Manifest[]} scans @returns {steps.Tool} */
  toolFor(scans) {
    const { tool } = this.state;
    if (this.world.scans.length && tool !== 'scroll' && tool !== 'cross') return tool;
    const coarse = window.matchMedia('(pointer: coarse)').matches;
    return coarse && scans.some((scan) => scan.slices > 1) ? 'scroll' : 'window';
  }

  /** What kind of picture it is was said: the presets are those of that kind. @param {Manifest[]} scans */
  renamed(scans) {
    this.world = { ...this.world, scans };
    this.stir();
  }

  /** @param {Manifest} scan */
  supply(scan) {
    return new Slices(
      scan.slices,
      (slice, stop) => this.outside.get(scan.token, slice, stop),
      () => this.stir(),
      (slice, problem) => this.failed(slice, problem),
    );
  }

  /** @param {number} slice @param {import('./pixels.js').Problem} problem */
  failed(slice, { gone, why }) {
    if (gone) {
      this.say('This picture is no longer held for this page. Open it again.');
      this.outside.tell('gone', {});
    } else if (why) this.say(`Slice ${slice + 1} cannot be shown: ${why}`);
    else this.say('Some slices could not be fetched. Check that the page is still connected.', true);
  }

  /** A sentence under the picture, with a way to try again. @param {string} sentence @param {boolean} [again] */
  say(sentence, again = false) {
    const place = this.toolbar.find('.mv-state');
    place.textContent = sentence;
    if (!again) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Try again';
    button.addEventListener('click', () => {
      this.say('');
      for (const slices of this.slices) slices.again();
    });
    place.append(' ', button);
  }

  /** As many stages as there are panes. */
  rebuild() {
    const place = this.toolbar.find('.mv-stages');
    place.replaceChildren();
    place.dataset.panes = String(this.state.panes.length);
    place.classList.toggle('mv-pair', this.world.scans.length > 1);
    this.resized.disconnect();
    this.stages = this.state.panes.map((pane, n) => {
      const element = document.createElement('div');
      element.className = 'mv-stage';
      element.tabIndex = 0;
      element.setAttribute('role', 'application');
      element.setAttribute('aria-roledescription', 'picture');
      place.append(element);
      const stage = new Stage(element, this.painters[pane.scan]);
      new Gestures(this, element, n);
      this.resized.observe(element);
      return stage;
    });
    this.resize();
  }

  resize() {
    for (const stage of this.stages) stage.measure();
    this.stir();
  }

  get tool() {
    return this.state.tool;
  }

  get shown() {
    return this.state.shown[this.state.panes[this.state.active].scan];
  }

  /** Whether the active scan's numbers are whole ones. */
  get wholeNumbers() {
    return this.world.scans[this.state.panes[this.state.active].scan].whole;
  }

  /** The active scan's. */
  get presets() {
    return this.world.scans[this.state.panes[this.state.active].scan].presets;
  }

  /** Apply a step; what it changed is drawn with the next frame. @param {(state: State, world: World) => State} step */
  change(step) {
    if (!this.world.scans.length) return;
    const before = this.state;
    this.state = step(before, this.world);
    if (this.state === before) return;
    if (this.state.panes.length !== before.panes.length) this.rebuild();
    this.state.shown.forEach((shown, scan) => {
      if (shown.point[2] !== before.shown[scan].point[2]) this.slices[scan].near(shown.point[2]);
    });
    if (this.state.cine && !before.cine) this.cine.start();
    this.measuring.stay();
    this.changed();
  }

  changed() {
    this.stir();
    window.clearTimeout(this.quiet);
    window.clearTimeout(this.spoken);
    this.quiet = window.setTimeout(() => this.outside.tell('look', this.look()), QUIET_MS);
    this.spoken = window.setTimeout(() => this.describe(), SPOKEN_MS);
  }

  /** Draw with the next frame. */
  stir() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Draw now. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (!this.world.scans.length) return;
    const began = performance.now();
    this.stages.forEach((stage, pane) => {
      const slices = this.slices[this.state.panes[pane].scan];
      stage.draw(this.state, this.world, pane, slices, this.measuring.on(pane));
      this.wait(stage, slices);
      stage.offer(this.measuring.region(pane));
      stage.element.classList.toggle('active', this.stages.length > 1 && pane === this.state.active);
    });
    this.underCursor();
    this.toolbar.update(this.state, this.world);
    this.toolbar.coming(this.slices[this.state.panes[this.state.active].scan], steps.planeOf(this.state, this.world).axis);
    this.spent.push(performance.now() - began);
    if (this.spent.length > 512) this.spent.shift();
  }

  /** @param {Stage} stage @param {Slices} slices */
  wait(stage, slices) {
    const place = stage.part('wait');
    const waiting = !stage.picture || (stage.last.cut !== null && stage.last.cut.missing.length > 0);
    if (place.hidden === waiting) place.hidden = !waiting;
    const says = slices.count > 1 ? `Fetching slices: ${slices.here} of ${slices.count}` : 'Fetching the picture';
    if (waiting && place.textContent !== says) place.textContent = says;
  }

  /** The value under the cursor. @param {number} pane @param {Point | null} at in the plane */
  hover(pane, at) {
    const stage = this.stages[pane];
    if (!stage) return;
    stage.cursor = at;
    this.stir();
  }

  underCursor() {
    this.stages.forEach((stage, pane) => {
      const place = stage.part('value');
      const says = stage.cursor && stage.picture ? this.valueAt(stage.picture, pane, stage.cursor) : '';
      if (place.textContent !== says) place.textContent = says;
    });
  }

  /** @param {import('./grey.js').Picture} picture @param {number} pane @param {Point} at */
  valueAt(picture, pane, at) {
    const plane = steps.planeOf(this.state, this.world, pane);
    if (this.stages[pane].isMissing(at)) return '';
    const value = valueWords(picture, at, this.world.scans[this.state.panes[pane].scan].unit);
    const place = value && patientAt(plane, steps.sliceOf(this.state, this.world, pane), at);
    return [value, place ? placeWords(place) : ''].filter(Boolean).join('\n');
  }

  /** @param {number} pane */
  activate(pane) {
    if (pane !== this.state.active) this.change((state) => ({ ...state, active: pane }));
  }

  /** What is shown, for the server. @param {number} [pane] */
  look(pane = this.state.active) {
    return lookAt(this.state, this.world, pane);
  }

  /** As `look`, of every scan that was ever shown here; the one that is looked at comes last. */
  looks() {
    return [...leftBehind(this.world, this.left), ...looksAt(this.state, this.world)];
  }

  /** Remembers how the scans are shown that are about to make room for others. */
  leave() {
    leaving(this.state, this.world).forEach((left, token) => this.left.set(token, left));
  }

  describe() {
    if (!this.world.scans.length) return;
    const percent = this.stages[this.state.active].percent(this.state, this.world, this.state.active);
    const says = described(this.state, this.world, percent);
    this.toolbar.find('.mv-said').textContent = says;
    this.stages.forEach((stage, pane) => {
      stage.element.setAttribute('aria-label', pane === this.state.active ? says : `Picture ${pane + 1}`);
    });
  }

  /** One step by its name, as buttons and keys have it. @param {string} step @returns {boolean} whether there was one */
  take(step) {
    const [name, detail] = step.split(' ');
    const does = this.commands[name];
    if (!does || !this.world.scans.length) return false;
    if (name !== 'cine' && name !== 'keys') this.measuring.cancel();
    does(detail);
    return true;
  }

  /** @param {number} n */
  preset(n) {
    const { scan } = this.state.panes[this.state.active];
    const preset = this.world.scans[scan].presets[n];
    if (!preset) return;
    const { width, level } = preset;
    this.change((now) => steps.toWindow(now, { width, level, function: preset.function }));
  }

  /** Take everything away again. */
  close() {
    this.ended.abort();
    this.resized.disconnect();
    for (const slices of this.slices) slices.close();
    cancelAnimationFrame(this.frame);
    window.clearTimeout(this.quiet);
    window.clearTimeout(this.spoken);
    this.root.replaceChildren();
  }
}
