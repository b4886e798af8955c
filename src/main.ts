/** Hupo's one entry: reads what was typed and hands it to the command line. */
import { runCli } from './cli.ts';
import { readArguments, readDiskdEnvironment, readEnvironment } from './config.ts';
import { errnoOf } from './lib/errors.ts';
import { writeToStderr } from './lib/log.ts';

let outputFailed = false;
process.stdout.on('error', (error) => {
  if (errnoOf(error) === 'EPIPE') return; // whoever read it is gone; what serves goes on
  if (!outputFailed) writeToStderr(`hupo: standard output cannot be written: ${error.message}\n`);
  outputFailed = true;
  process.exitCode = 1;
});

const exitCode = await runCli(readArguments(), {
  environment: readEnvironment(),
  /** How Hupo starts its own child processes (`diskd`, `transfer`): this file, under this Node. */
  program: {
    execPath: process.execPath,
    args: [...process.execArgv, import.meta.filename],
    diskdEnvironment: readDiskdEnvironment(),
  },
  out: (text) => void process.stdout.write(text),
  err: writeToStderr,
});
process.exitCode = outputFailed ? 1 : exitCode;
