/** Hupo's one entry: reads what was typed and hands it to the command line. */
import { runCli } from './cli.ts';
import { readArguments, readEnvironment } from './config.ts';

process.exitCode = await runCli(readArguments(), {
  environment: readEnvironment(),
  /** How Hupo starts its own child processes (`diskd`, `transfer`): this file, under this Node. */
  program: { execPath: process.execPath, args: [...process.execArgv, import.meta.filename] },
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
