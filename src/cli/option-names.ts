/**
 * Which option or argument of a command a parameter of the API was made from: the server speaks of parameters, and whoever typed
 * a command has never seen them. Pure.
 */
import { RULES } from './policy-terms.ts';

/** By the command, then by the parameter. */
const names: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  policy: {
    ...{ timePoints: '--at', repeatWeekdays: '--days', retentionDays: '--keep-days', autoSnapshotPolicyName: '--name' },
    ...Object.fromEntries(RULES.map((rule) => [`Keep.${rule}`, `--keep-${rule.toLowerCase()}`])),
    ...{ MissedRuns: '--missed', TargetCopyRegions: '--copy-to', EnableCrossRegionCopy: '--copy-to' },
    ...{ CopiedSnapshotsRetentionDays: '--copy-keep-days', TargetTags: '--instances-with', Runs: '--runs' },
    ...{ autoSnapshotPolicyId: 'PolicyId', AutoSnapshotPolicyId: 'PolicyId', diskIds: 'DiskId' },
  },
  cost: { StartTime: '--from', EndTime: '--to', GroupBy: '--by', TagKey: '--by', Period: '--per', DiskId: '--disk' },
  audit: { StartTime: '--since', EndTime: '--until', EventName: '--action', EventAccessKeyId: '--key' },
  events: { StartTime: '--since', EventType: '--type', ResourceId: '--resource', Url: 'URL', SubscriptionId: 'ID' },
  disk: { DiskName: '--name', DiskCategory: '--category', ZoneId: '--zone' },
  user: { UserName: 'NAME', PolicyName: 'POLICY', PolicyDocument: 'FILE' },
  key: { UserName: 'USER', UserAccessKeyId: 'AccessKeyId' },
  role: {
    ...{ RoleName: 'NAME', PolicyName: 'POLICY', AssumeRolePolicyDocument: '--trust', MaxSessionDuration: '--longest' },
    ...{ RoleSessionName: '--session', DurationSeconds: '--for', Policy: '--policy', RoleArn: 'NAME' },
  },
  'recycle-bin': { ResourceId: 'ID' },
};

/** The message with what was typed in the place of what it became: `"timePoints"` is `--at` for `policy`. */
export function nameOptions(message: string, command: string): string {
  const known = Object.hasOwn(names, command) ? (names[command] ?? {}) : {};
  return message.replaceAll(
    /(?:[Tt]he (?:specified )?parameter )?"([A-Za-z]+(?:\.[A-Za-z0-9]+)*)"/g,
    (all, path: string) => {
      const [first = ''] = path.split('.');
      const name = Object.hasOwn(known, path) ? path : first;
      return Object.hasOwn(known, name) ? (known[name] ?? all) : all;
    },
  );
}
