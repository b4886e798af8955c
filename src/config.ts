/** The only reader of the command line and the environment. Everything else is handed what it needs. */
import os from 'node:os';
import path from 'node:path';

export interface Environment {
  /** `HUPO_ACCESS_KEY_ID`, `HUPO_ACCESS_KEY_SECRET`: the root key, over the stored one. */
  accessKeyId: string | null;
  accessKeySecret: string | null;
  /** `HUPO_ENDPOINT`: `http://HOST:PORT` of the server that the CLI talks to. */
  endpoint: string | null;
  /** `HUPO_DATA`, else `hupo` in the user's data home (`XDG_DATA_HOME`, else ~/.local/share). */
  dataFolder: string;
  /** `XDG_RUNTIME_DIR`, else the temporary folder: where sockets go when DIR's path is too long. */
  runtimeFolder: string;
  temporaryFolder: string;
}

export function readEnvironment(): Environment {
  const env = process.env;
  const dataHome = env['XDG_DATA_HOME'] || path.join(os.homedir(), '.local', 'share');
  return {
    accessKeyId: env['HUPO_ACCESS_KEY_ID'] || null,
    accessKeySecret: env['HUPO_ACCESS_KEY_SECRET'] || null,
    endpoint: env['HUPO_ENDPOINT'] || null,
    dataFolder: path.resolve(env['HUPO_DATA'] || path.join(dataHome, 'hupo')),
    runtimeFolder: env['XDG_RUNTIME_DIR'] || os.tmpdir(),
    temporaryFolder: os.tmpdir(),
  };
}

/** What was typed after the program's name. */
export function readArguments(): string[] {
  return process.argv.slice(2);
}
