/** Hupo's one entry: reads what was typed and hands it to the command line. */
import { runCli } from './cli.ts';
import { readArguments, readEnvironment } from './config.ts';
import { writeToStderr } from './lib/log.ts';

process.stdout.on('error', () => undefined); // whoever read it is gone; what serves goes on

process.exitCode = await runCli(readArguments(), {
  environment: readEnvironment(),
  /** How Hupo starts its own child processes (`diskd`, `transfer`): this file, under this Node. */
  program: { execPath: process.execPath, args: [...process.execArgv, import.meta.filename] },
  out: (text) => void process.stdout.write(text),
  err: writeToStderr,
});
