/**
 * Preloaded (`node --import`) into a server and what it starts: a transfer worker (also one that copies or exports) begins only when the file that
 * HUPO_TEST_HOLD names is gone, or ends with the server that started it. So a test has uploads that surely still run.
 */
import fs from 'node:fs';

const LOOK_EVERY_MS = 10;

const file = process.env['HUPO_TEST_HOLD'];
if (file !== undefined && process.argv.some((word) => ['transfer', 'copy', 'export'].includes(word))) {
  const server = process.ppid;
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (fs.existsSync(file)) {
    if (process.ppid !== server) process.exit(1);
    Atomics.wait(never, 0, 0, LOOK_EVERY_MS);
  }
}
