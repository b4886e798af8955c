/** Hupo's one entry: reads what was typed and hands it to the command line. */
import module from 'node:module';
import path from 'node:path';
import { readArguments, readDiskdEnvironment, readEnvironment } from './config.ts';
import { errnoOf } from './lib/errors.ts';
import { writeToStderr } from './lib/log.ts';

const environment = readEnvironment();
/**
 * What Node has compiled is kept for the next start, which else takes up to a tenth of a second longer, as does each thread.
 * Where it cannot be kept, it is not; NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE go before.
 */
module.enableCompileCache(path.join(environment.cacheFolder, 'compiled'));

let outputFailed = false;
process.stdout.on('error', (error) => {
  if (errnoOf(error) === 'EPIPE') return; // whoever read it is gone; what serves goes on
  if (!outputFailed) writeToStderr(`hupo: standard output cannot be written: ${error.message}\n`);
  outputFailed = true;
  process.exitCode = 1;
});

const { runCli } = await import('./cli.ts');
const exitCode = await runCli(readArguments(), {
  environment,
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
