// What both servers do alike.
import { Readable } from "node:stream";

const ZEROS = Buffer.alloc(64 * 1024);

/** So many zeros, streamed. */
export function pieces(bytes) {
  return Readable.from(
    (function* () {
      for (let left = bytes; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
    })(),
  );
}

/** Keeps the thread without using it. */
export function block(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Keeps the thread and uses it. */
export function spin(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
