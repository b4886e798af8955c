/**
 * Which parameters an action has: those that are documented (`ecs-parameters.ts`) and those that this server takes beside
 * them. A pattern is a name as documented, with N for the numbers of lists: `Tag.N.Key`, `SystemDisk.Size`, `Features.*`.
 */
import { actionNames } from './ecs-actions.ts';
import { ecsParameters } from './ecs-parameters.ts';

export interface ActionParameter {
  pattern: string;
  /** As documented: String, Integer, Long, Float, Boolean, Struct. */
  type: string;
  isRequired: boolean;
}

/** Of actions that no document has. */
const OWN: Readonly<Record<string, string>> = {
  HupoBeginImport: '!ZoneId !DiskCategory !Size:Integer DiskName Description PerformanceLevel Tag.N.Key Tag.N.Value',
  HupoCompleteImport: '!DiskId',
  HupoPreviewPolicy: '!AutoSnapshotPolicyId DiskId Runs:Integer',
  HupoDescribePolicyRuns: 'AutoSnapshotPolicyId MaxResults:Integer NextToken PageNumber:Integer PageSize:Integer',
  HupoApproveRetention: '!DiskId',
  HupoLockInstance: '!InstanceId !LockReason ReleaseDays:Integer DryRun:Boolean',
  HupoUnlockInstance: '!InstanceId !LockReason DryRun:Boolean',
  HupoLockAccount: 'LockReason DeleteAfterDays:Integer DryRun:Boolean',
  HupoUnlockAccount: 'DryRun:Boolean',
  HupoDescribeAccount: 'DryRun:Boolean',
  HupoDescribeRecycleBin: `ResourceType ResourceId.N DiskId PageNumber:Integer PageSize:Integer MaxResults:Integer
    NextToken`,
  HupoRestoreFromRecycleBin: '!ResourceId.N DryRun:Boolean',
  HupoDeleteFromRecycleBin: 'ResourceId.N All:Boolean DryRun:Boolean',
  HupoDescribeEvents:
    'EventType.N ResourceId.N StartTime EndTime Position MaxResults:Integer NextToken WaitSeconds:Integer',
  HupoCreateEventSubscription: '!Url EventType.N Description',
  HupoDescribeEventSubscriptions: 'SubscriptionId.N',
  HupoDeleteEventSubscription: '!SubscriptionId',
  HupoTestEventSubscription: '!SubscriptionId',
  HupoDescribeSnapshotCost:
    'StartTime EndTime Period GroupBy TagKey DiskId MaxResults:Integer NextToken PageNumber:Integer PageSize:Integer',
};

/** Every action that is documented or built. */
export const knownActions: readonly string[] = [...new Set([...actionNames, ...Object.keys(ecsParameters)])];

/** The action that is meant, whatever its case, as with parameters; null when there is none. */
export function findActionName(typed: string): string | null {
  return knownActions.find((name) => name.toLowerCase() === typed.toLowerCase()) ?? null;
}

/** In the order of the documentation, a name in two spellings of case once; empty for an unknown action. */
export function parametersOf(action: string): ActionParameter[] {
  const text = (Object.hasOwn(OWN, action) ? OWN[action] : ecsParameters[action]) ?? '';
  const seen = new Set<string>();
  return text
    .split(/\s+/)
    .filter(Boolean)
    .map(parseParameter)
    .filter(({ pattern }) => {
      const isNew = !seen.has(pattern.toLowerCase());
      seen.add(pattern.toLowerCase());
      return isNew;
    });
}

function parseParameter(word: string): ActionParameter {
  const isRequired = word.startsWith('!');
  const [pattern = '', type = 'String'] = word.slice(isRequired ? 1 : 0).split(':');
  return { pattern, type, isRequired };
}

/** The name as documented for a name in any case (the server's match is of any case, too), or null when there is none. */
export function findDocumentedName(patterns: Iterable<string>, typed: string): string | null {
  for (const pattern of patterns) {
    const name = matchPattern(pattern.split('.'), typed.split('.'));
    if (name !== null) return name;
  }
  return null;
}

function matchPattern(pattern: readonly string[], typed: readonly string[]): string | null {
  if (pattern.at(-1) === '*' ? typed.length < pattern.length : typed.length !== pattern.length) return null;
  const name: string[] = [];
  for (const [index, segment] of typed.entries()) {
    const wanted = pattern[Math.min(index, pattern.length - 1)] ?? '';
    if (wanted !== '*' && wanted !== 'N' && wanted.toLowerCase() !== segment.toLowerCase()) return null;
    if (wanted === 'N' && !/^[1-9]\d{0,3}$/.test(segment)) return null;
    if (segment === '') return null;
    name.push(wanted === '*' || wanted === 'N' ? segment : wanted);
  }
  return name.join('.');
}

/** How a pattern is written, with a number in place of each N: `Tag.1.Key`. */
export function nameOf(pattern: string, number: number | string = 1): string {
  return pattern.replaceAll(/\.N(?=\.|$)/g, `.${number}`);
}

/** As an example for people: `--Tag.1.Key`, `--Features.…`. */
export function exampleOf(pattern: string): string {
  return `--${nameOf(pattern).replace(/\.\*$/, '.…')}`;
}
