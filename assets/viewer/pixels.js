// @ts-check
// The numbers of a scan, slice by slice, as they come from the server, and pictures that are cut from them.

/** @typedef {import('./grey.js').Picture} Picture */
/** @typedef {import('./geometry.js').Plane} Plane */

/** @type {(new (buffer: ArrayBuffer, offset: number) => import('./grey.js').Numbers)[]} by the kind in the header */
const KINDS = [Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array];
const HEADER = 16;

/**
 * A slice from its bytes: "MVPX", kind, samples, two unused, columns, rows (32 bits each), then the numbers; all
 * little-endian. Throws where they are not what they say.
 * @param {ArrayBuffer} bytes @returns {Picture}
 */
export const decoded = (bytes) => {
  const head = new DataView(bytes);
  const made = bytes.byteLength >= HEADER && head.getUint32(0) === 0x4d565058 ? KINDS[head.getUint8(4)] : undefined;
  if (!made) throw new Error('These bytes are no slice.');
  const samples = head.getUint8(5) === 3 ? 3 : 1;
  const [columns, rows] = [head.getUint32(8, true), head.getUint32(12, true)];
  const data = new made(bytes, HEADER);
  if (data.length !== columns * rows * samples) throw new Error('The slice is not whole.');
  return { data, columns, rows, samples };
};

/** Why a slice did not come. `gone`: the server holds nothing for this page any more; `why`: what is wrong with it.
 * @typedef {{ gone?: boolean, why?: string }} Problem */

/** Bytes that one scan may keep in the browser. */
export const MOST_BYTES = 768 * 2 ** 20;
const AT_ONCE = 4;
const TRIES = 4;

/** Gets slices, the one looked at first, then its neighbours; keeps them as long as there is room. */
export class Slices {
  /**
   * @param {number} count
   * @param {(slice: number, stop: AbortSignal) => Promise<ArrayBuffer>} get rejects with a Problem
   * @param {(slice: number) => void} arrived
   * @param {(slice: number, problem: Problem) => void} failed it is not asked for again
   * @param {number} [most] bytes
   */
  constructor(count, get, arrived, failed, most = MOST_BYTES) {
    /** @type {(Picture | undefined)[]} */ this.kept = new Array(count);
    this.count = count;
    this.get = get;
    this.arrived = arrived;
    this.failed = failed;
    this.most = most;
    this.bytes = 0;
    this.centre = 0;
    /** @type {Map<number, number>} slice to failed tries */ this.tries = new Map();
    /** @type {Set<number>} */ this.running = new Set();
    this.stop = new AbortController();
    this.here = 0;
  }

  /** @param {number} slice */
  at(slice) {
    return this.kept[slice];
  }

  /** Whether every slice is here. */
  get whole() {
    return this.here === this.count;
  }

  /** Look at this one: it comes first from now on. @param {number} slice */
  near(slice) {
    this.centre = slice;
    this.more();
  }

  /** Nothing more is fetched, and what was fetched is dropped. */
  close() {
    this.stop.abort();
    this.kept = [];
    this.bytes = 0;
  }

  /** The missing slice that lies nearest and would find room. */
  next() {
    const size = this.here ? this.bytes / this.here : 0;
    for (let away = 0; away < this.count; away++) {
      for (const slice of away ? [this.centre + away, this.centre - away] : [this.centre]) {
        if (slice < 0 || slice >= this.count || this.kept[slice] || this.running.has(slice)) continue;
        if ((this.tries.get(slice) ?? 0) >= TRIES) continue;
        if (this.bytes + size * (this.running.size + 1) <= this.most || this.farther(away) !== -1) return slice;
        return -1;
      }
    }
    return -1;
  }

  /** A kept slice farther away than that, the farthest; -1 where there is none. @param {number} away */
  farther(away) {
    const reach = Math.max(this.centre, this.count - 1 - this.centre);
    for (let distance = reach; distance > away; distance--) {
      for (const slice of [this.centre - distance, this.centre + distance]) if (this.kept[slice]) return slice;
    }
    return -1;
  }

  more() {
    while (this.running.size < AT_ONCE && !this.stop.signal.aborted) {
      const slice = this.next();
      if (slice < 0) return;
      this.running.add(slice);
      this.fetch(slice);
    }
  }

  /** @param {number} slice */
  async fetch(slice) {
    try {
      const picture = decoded(await this.get(slice, this.stop.signal));
      if (this.stop.signal.aborted) return;
      this.keep(slice, picture);
      this.tries.delete(slice);
      this.arrived(slice);
    } catch (problem) {
      if (this.stop.signal.aborted) return;
      const { gone = false, why = '' } = /** @type {Problem} */ (problem);
      const tried = gone || why ? TRIES : (this.tries.get(slice) ?? 0) + 1;
      this.tries.set(slice, tried);
      if (gone) this.stop.abort();
      if (tried >= TRIES) this.failed(slice, { gone, why });
      else await new Promise((done) => setTimeout(done, 250 * 2 ** tried));
    } finally {
      this.running.delete(slice);
      this.more();
    }
  }

  /** @param {number} slice @param {Picture} picture */
  keep(slice, picture) {
    this.kept[slice] = picture;
    this.bytes += picture.data.byteLength;
    this.here += 1;
    while (this.bytes > this.most) {
      const old = this.farther(0);
      if (old < 0 || old === this.centre) break;
      this.bytes -= this.kept[old]?.data.byteLength ?? 0;
      this.kept[old] = undefined;
      this.here -= 1;
    }
  }

  /** Ask again for what failed. */
  again() {
    this.tries.clear();
    this.more();
  }
}

/**
 * The picture at `slice` of a plane, cut from the stored slices; rows of slices that are not here yet are zero and in
 * `missing`. Null while nothing of it is here.
 * @param {Slices} slices @param {Plane} plane @param {number} slice
 * @returns {{ picture: Picture, missing: number[] } | null}
 */
export const cut = (slices, plane, slice) => {
  if (plane.axis === 2) {
    const picture = slices.at(slice);
    return picture ? { picture, missing: [] } : null;
  }
  const first = slices.kept.find((kept) => kept);
  if (!first) return null;
  const { columns, rows, samples } = first;
  // A rescale of its own can make one slice's numbers fractions and its neighbour's whole.
  const same = slices.kept.every((kept) => !kept || kept.data.constructor === first.data.constructor);
  const Kind = /** @type {new (length: number) => import('./grey.js').Numbers} */ (same ? first.data.constructor : Float64Array);
  const wide = (plane.axis === 1 ? columns : rows) * samples;
  const data = new Kind(wide * plane.rows);
  const missing = [];
  for (let k = 0; k < plane.rows; k++) {
    const kept = slices.at(k);
    if (!kept) missing.push(k);
    else if (plane.axis === 1) data.set(kept.data.subarray(slice * wide, (slice + 1) * wide), k * wide);
    else column(kept, slice, data, k * wide);
  }
  return { picture: { data, columns: wide / samples, rows: plane.rows, samples }, missing };
};

/** @param {Picture} from @param {number} x @param {import('./grey.js').Numbers} into @param {number} at */
const column = ({ data, columns, rows, samples }, x, into, at) => {
  for (let y = 0; y < rows; y++) {
    for (let n = 0; n < samples; n++) into[at++] = data[(y * columns + x) * samples + n];
  }
};

/**
 * Half as wide and high, each pixel the mean of four: what a large picture is painted from where the screen shows less.
 * @param {Picture} picture @returns {Picture}
 */
export const halved = ({ data, columns, rows, samples }) => {
  const wide = Math.max(1, columns >> 1);
  const high = Math.max(1, rows >> 1);
  const Kind = /** @type {new (length: number) => import('./grey.js').Numbers} */ (data.constructor);
  const made = new Kind(wide * high * samples);
  const fractions = made instanceof Float32Array || made instanceof Float64Array;
  const right = columns > 1 ? samples : 0;
  const below = rows > 1 ? columns * samples : 0;
  let at = 0;
  for (let y = 0; y < high; y++) {
    for (let x = 0; x < wide; x++) {
      const from = (2 * y * columns + 2 * x) * samples;
      for (let n = from; n < from + samples; n++) {
        const mean = (data[n] + data[n + right] + data[n + below] + data[n + right + below]) / 4;
        made[at++] = fractions ? mean : Math.floor(mean + 0.5);
      }
    }
  }
  return { data: made, columns: wide, rows: high, samples };
};

/** A picture and its halves, made when first needed. */
export class Pyramid {
  /** @param {Picture} picture */
  constructor(picture) {
    this.levels = [picture];
  }

  /** The smallest level that still has a pixel for each of the screen's. @param {number} scale screen pixels for a pixel of the picture */
  for(scale) {
    let level = 0;
    const { columns, rows } = this.levels[0];
    while (scale * 2 ** (level + 1) <= 1 && Math.min(columns, rows) >> (level + 1) >= 64) level += 1;
    for (let n = this.levels.length; n <= level; n++) this.levels.push(halved(this.levels[n - 1]));
    return { picture: this.levels[level], level };
  }
}
