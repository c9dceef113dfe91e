// @ts-check
// From numbers to grey: DICOM's three window formulas, as `medvlm/imaging/window.py` has them, within one grey level.

/** @typedef {'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID'} VoiFunction */
/** @typedef {{ width: number, level: number, function: VoiFunction }} Window */
/** @typedef {Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array} Numbers */

export const ENTRIES = 65536;
const OPAQUE = 0xff000000;

/**
 * One number as grey 0..255, before any inversion (PS3.3 C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2).
 * @param {number} number
 * @param {Window} window
 */
export const grey = (number, window) => {
  let { level, width } = window;
  if (window.function === 'SIGMOID') return Math.round(255 / (1 + Math.exp((-4 * (number - level)) / width)));
  if (window.function === 'LINEAR') {
    level -= 0.5;
    width -= 1;
  }
  if (width <= 0) return number > level ? 255 : 0;
  const value = ((number - level) * 255) / width + 127.5;
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value);
};

/** @param {number} value 0..255 @returns {number} the same red, green and blue, opaque, as a canvas stores it */
const packed = (value) => (OPAQUE | (value << 16) | (value << 8) | value) >>> 0;

/**
 * What each 16-bit pattern is shown as: `colours[bits]`, ready for a canvas. One entry for each of 65,536 patterns.
 * @param {Window} window
 * @param {boolean} inverted
 * @param {boolean} signed whether the patterns are two's complement
 * @param {Uint32Array} [into] filled and returned
 */
export const table = (window, inverted, signed, into = new Uint32Array(ENTRIES)) => {
  const half = ENTRIES / 2;
  ramp(window, inverted, into, 0, half, 0);
  ramp(window, inverted, into, half, ENTRIES, signed ? -half : half);
  return into;
};

/**
 * Entries `from` up to `to` for the numbers from `first` on: only those inside the window are worked out one by one.
 * @param {Window} window @param {boolean} inverted @param {Uint32Array} into
 * @param {number} from @param {number} to @param {number} first
 */
const ramp = (window, inverted, into, from, to, first) => {
  const colours = inverted ? NEGATIVE : PLAIN;
  // Beyond these the grey no longer changes: a sigmoid is within half a grey of its end at 1.6 widths.
  const reach = window.function === 'SIGMOID' ? 1.6 * window.width : window.width / 2 + 1;
  const within = (/** @type {number} */ number) => Math.min(Math.max(Math.floor(number) - first + from, from), to);
  const [low, high] = [within(window.level - reach), within(window.level + reach + 1)];
  into.fill(colours[0], from, low);
  for (let at = low; at < high; at++) into[at] = colours[grey(first + at - from, window)];
  into.fill(colours[255], high, to);
};

/**
 * What each grey is shown as.
 * @param {boolean} inverted
 */
const greys = (inverted) => Uint32Array.from({ length: 256 }, (_, value) => packed(inverted ? 255 - value : value));
const PLAIN = greys(false);
const NEGATIVE = greys(true);

/**
 * Eight- and sixteen-bit numbers through a table; `from` to `to` are columns and rows of a picture `columns` wide.
 * @param {Uint8Array | Uint16Array} bits
 * @param {Uint32Array} colours
 * @param {Uint32Array} out as many as there are pixels in the part
 * @param {number} columns
 * @param {Part} part
 */
const paintBits = (bits, colours, out, columns, part) => {
  const width = part.right - part.left;
  if (width === columns) {
    const start = part.top * columns;
    const count = (part.bottom - part.top) * columns;
    for (let n = 0; n < count; n++) out[n] = colours[bits[start + n]];
    return;
  }
  let at = 0;
  for (let row = part.top; row < part.bottom; row++) {
    const end = row * columns + part.right;
    for (let n = row * columns + part.left; n < end; n++) out[at++] = colours[bits[n]];
  }
};

/**
 * Numbers of more than 16 bits, each by its formula.
 * @param {Numbers} numbers
 * @param {Window} window
 * @param {boolean} inverted
 * @param {Uint32Array} out
 * @param {number} columns
 * @param {Part} part
 */
const paintNumbers = (numbers, window, inverted, out, columns, part) => {
  const colours = inverted ? NEGATIVE : PLAIN;
  const exact = window.function === 'LINEAR' ? 1 : 0;
  const width = window.width - exact;
  let at = 0;
  if (window.function === 'SIGMOID' || width <= 0) {
    for (let row = part.top; row < part.bottom; row++) {
      for (let column = part.left; column < part.right; column++) {
        out[at++] = colours[grey(numbers[row * columns + column], window)];
      }
    }
    return;
  }
  const slope = 255 / width;
  const offset = 128 - (window.level - exact / 2) * slope; // 127.5, and half a grey because what follows cuts off
  for (let row = part.top; row < part.bottom; row++) {
    const end = row * columns + part.right;
    for (let n = row * columns + part.left; n < end; n++) {
      const value = numbers[n] * slope + offset;
      out[at++] = colours[value <= 0 ? 0 : value >= 255 ? 255 : value | 0];
    }
  }
};

/**
 * @param {Uint8Array} colours red, green, blue
 * @param {Window} window
 * @param {boolean} inverted
 * @param {Uint32Array} out
 * @param {number} columns
 * @param {Part} part
 */
const paintColours = (colours, window, inverted, out, columns, part) => {
  const shown = Uint8Array.from({ length: 256 }, (_, value) => (inverted ? 255 : 0) ^ grey(value, window));
  let at = 0;
  for (let row = part.top; row < part.bottom; row++) {
    let from = (row * columns + part.left) * 3;
    for (let column = part.left; column < part.right; column++, from += 3) {
      out[at++] = OPAQUE | (shown[colours[from + 2]] << 16) | (shown[colours[from + 1]] << 8) | shown[colours[from]];
    }
  }
};

/** A rectangle of a picture in whole pixels; right and bottom are not part of it.
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Part */
/** @typedef {{ data: Numbers, columns: number, rows: number, samples: 1 | 3 }} Picture */

/** Paints pictures; keeps the table of the last window, which most redraws use again. */
export class Painter {
  constructor() {
    this.colours = new Uint32Array(ENTRIES);
    this.made = '';
  }

  /**
   * A part of a picture as a canvas stores it.
   * @param {Picture} picture
   * @param {Window} window
   * @param {boolean} inverted
   * @param {Uint32Array} out as many entries as the part has pixels
   * @param {Part} part
   */
  paint(picture, window, inverted, out, part) {
    const { data, columns } = picture;
    if (picture.samples === 3 && data instanceof Uint8Array) paintColours(data, window, inverted, out, columns, part);
    else if (data instanceof Int16Array) {
      const bits = new Uint16Array(data.buffer, data.byteOffset, data.length);
      paintBits(bits, this.tableFor(window, inverted, true), out, columns, part);
    } else if (data instanceof Uint16Array || data instanceof Uint8Array) {
      paintBits(data, this.tableFor(window, inverted, false), out, columns, part);
    } else paintNumbers(data, window, inverted, out, columns, part);
  }

  /** @param {Window} window @param {boolean} inverted @param {boolean} signed */
  tableFor(window, inverted, signed) {
    const wanted = [window.width, window.level, window.function, inverted, signed].join();
    if (wanted !== this.made) table(window, inverted, signed, this.colours);
    this.made = wanted;
    return this.colours;
  }
}

/**
 * The window that shows `low` as black and `high` as white.
 * @param {number} low @param {number} high @returns {Window}
 */
export const fullRange = (low, high) => ({
  width: Math.max(high - low, 1e-12),
  level: (low + high) / 2,
  function: 'LINEAR_EXACT',
});

/**
 * A window whose formula is defined: the nearest one to what was typed or dragged.
 * @param {Window} window @returns {Window}
 */
export const usable = (window) => {
  const least = window.function === 'LINEAR' ? 1 : 1e-6;
  const width = Number.isFinite(window.width) ? Math.min(Math.max(window.width, least), 1e9) : least;
  const level = Number.isFinite(window.level) ? Math.min(Math.max(window.level, -1e9), 1e9) : 0;
  return { ...window, width, level };
};
