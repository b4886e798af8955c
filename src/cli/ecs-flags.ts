/** The flags of `hupo ecs` beside the parameters of the action: the aliyun CLI's, as far as they make sense here, and Hupo's own. */

export interface Flag {
  name: string;
  short?: string;
  /**
   * `nothing`: a switch. `value`: one word. `fields`: the words that follow are `field=value`. `pairs`: the words that follow are
   * `Name=value`.
   */
  takes: 'nothing' | 'value' | 'fields' | 'pairs';
  /** Of `fields`: the names that may be given. */
  fields?: readonly string[];
  /** How its value is written in help. */
  form?: string;
  /** Words that its value may be. */
  values?: readonly string[];
  /** Its value is a file or a folder. */
  isPath?: true;
  help: string;
  /** Another name of the same flag. */
  alias?: string;
}

export interface FlagGroup {
  title: string;
  flags: readonly Flag[];
}

export const flagGroups: readonly FlagGroup[] = [
  {
    title: 'What to print',
    flags: [
      {
        name: 'output',
        short: 'o',
        takes: 'fields',
        fields: ['cols', 'rows', 'num'],
        form: 'cols=A,B [rows=PATH] [num=true]',
        help: 'a table: a row for each item of the list at PATH (JMESPath), as in rows=Disks.Disk[]; num=true numbers them',
      },
      { name: 'cli-query', takes: 'value', form: 'PATH', help: 'only this part of the answer (JMESPath)' },
      { name: 'quiet', short: 'q', takes: 'nothing', help: 'print nothing but errors' },
    ],
  },
  {
    title: 'How to call',
    flags: [
      {
        name: 'waiter',
        takes: 'fields',
        fields: ['expr', 'to', 'timeout', 'interval'],
        form: 'expr=PATH to=TEXT [timeout=180] [interval=5]',
        help: 'repeat the call until the text at PATH is TEXT; seconds, timeout 1 to 600, interval 2 to 10',
      },
      {
        name: 'pager',
        alias: 'all-pages',
        takes: 'fields',
        fields: ['path', 'PageNumber', 'PageSize', 'TotalCount', 'NextToken'],
        form: '[path=PATH] [NextToken=]',
        help: 'fetch all pages and print their items as one list; NextToken= goes by page numbers; PageNumber=, PageSize=, TotalCount= rename fields',
      },
      {
        name: 'dryrun',
        alias: 'cli-dry-run',
        takes: 'nothing',
        help: 'print the request and send nothing (--DryRun true asks the server to check without doing)',
      },
      { name: 'force', takes: 'nothing', help: 'send action and parameters as they are, checked only by the server' },
      {
        name: 'version',
        takes: 'value',
        form: '2014-05-26',
        help: 'version of the API; there is one',
        values: ['2014-05-26'],
      },
      { name: 'method', takes: 'value', form: 'GET|POST', values: ['GET', 'POST'], help: 'default: POST' },
      { name: 'header', takes: 'pairs', form: 'Name=value', help: 'add an HTTP header; Accept=…xml asks for XML' },
      { name: 'body', takes: 'value', form: 'FORM', help: 'parameters as a form (A=1&B=2), sent in the body' },
      { name: 'body-file', takes: 'value', form: 'FILE', isPath: true, help: 'the same, from a file' },
      {
        name: 'retry-count',
        takes: 'value',
        form: 'N',
        help: 'repeat after a failed connection or HTTP 5xx; default: 0',
      },
      { name: 'read-timeout', alias: 'retry-timeout', takes: 'value', form: 'SECONDS', help: 'default: 60' },
      { name: 'connect-timeout', takes: 'value', form: 'SECONDS', help: 'default: 10' },
    ],
  },
  {
    title: 'Which server',
    flags: [
      {
        name: 'endpoint',
        short: 'e',
        takes: 'value',
        form: 'HOST[:PORT]|URL',
        help: 'the server; without a scheme https, or http with --insecure (default: HUPO_ENDPOINT, then the one of --data)',
      },
      { name: 'insecure', takes: 'nothing', help: 'http' },
      { name: 'secure', takes: 'nothing', help: 'https' },
      {
        name: 'data',
        takes: 'value',
        form: 'DIR',
        isPath: true,
        help: 'folder of a service on this machine (default: HUPO_DATA, then the data home)',
      },
      {
        name: 'ca',
        takes: 'value',
        form: 'FILE',
        isPath: true,
        help: 'certificate of the CA to trust (default: HUPO_CA, then DIR/tls/ca.pem)',
      },
      {
        name: 'skip-secure-verify',
        takes: 'nothing',
        help: 'trust any certificate: whoever is in between can read and change all',
      },
      { name: 'region', takes: 'value', form: 'ID', help: "sent as RegionId (default: the server's)" },
    ],
  },
  {
    title: 'Which key',
    flags: [
      {
        name: 'access-key-id',
        takes: 'value',
        form: 'ID',
        help: 'default: HUPO_ACCESS_KEY_ID, then the root key of --data',
      },
      {
        name: 'access-key-secret',
        takes: 'value',
        form: 'SECRET',
        help: 'default: HUPO_ACCESS_KEY_SECRET, then the same',
      },
      { name: 'sts-token', takes: 'value', form: 'TOKEN', help: 'security token of a temporary key' },
      {
        name: 'mode',
        takes: 'value',
        form: 'AK|StsToken',
        values: ['AK', 'StsToken'],
        help: 'default: by what is given',
      },
      {
        name: 'profile',
        short: 'p',
        takes: 'value',
        form: 'NAME',
        help: 'key, region and endpoint of this profile of the aliyun CLI; without this flag neither its profiles nor ALIBABA_CLOUD_… variables are read, so that a key of the public cloud is never used by mistake',
      },
      {
        name: 'config-path',
        takes: 'value',
        form: 'FILE',
        isPath: true,
        help: 'where profiles are (default: ~/.aliyun/config.json)',
      },
    ],
  },
  {
    title: 'Other',
    flags: [
      {
        name: 'language',
        takes: 'value',
        form: 'en|zh',
        values: ['en', 'zh'],
        help: 'taken and not used: messages are in English',
      },
      { name: 'help', short: 'h', takes: 'nothing', help: 'this, or the parameters of an action' },
    ],
  },
];

export const flags: readonly Flag[] = flagGroups.flatMap((group) => group.flags);

/** By name or alias. */
export function findFlag(name: string): Flag | undefined {
  return flags.find((flag) => flag.name === name || flag.alias === name);
}

export function findShortFlag(letter: string): Flag | undefined {
  return flags.find((flag) => flag.short === letter);
}
