/** Values that a parameter cannot have, by what it is: each must be refused with a documented code and change nothing. */
import type { Listed } from './tables.ts';

const NO_DECIMALS = ['ten', '-1', '1e3', '９', '99999999999999999999'];
const NO_WHOLE_NUMBERS = ['1.5', ...NO_DECIMALS];
/** Of policies: -1 is for ever. */
const ALL_BUT_FOR_EVER = NO_WHOLE_NUMBERS.filter((value) => value !== '-1');
const FLAGS = ['maybe', '1', 'yes'];
const LONG = 'x'.repeat(5000);

/** Lists of strings as JSON in one parameter. */
const JSON_LISTS =
  /^(DiskIds|diskIds|timePoints|repeatWeekdays|TargetCopyRegions|SnapshotIds|SnapshotLinkIds|InstanceIds|SecurityGroupIds|PrivateIpAddresses)$/;
const BROKEN_LISTS = ['x', '"x"', '[1]', '{"a":1}', '["a"', '[[]]', JSON.stringify(Array(101).fill('x'))];

/** Not Base64, and too long. */
const NO_USER_DATA = ['#!/bin/sh', 'eA', Buffer.alloc(32 * 1024 + 1).toString('base64')];

/** Where any text is a good filter, that nothing may match. */
const ANY_TEXT =
  /^(Describe\w+|ListTagResources) (TaskAction|TaskStatus|.*Ids?(\.N)?|.*Name|.*Tag\w*(\.N)?(\.\w+)?|InstanceType\w*|Scope|(Data|System)DiskCategory|ImageFamily|ZoneId|\w+Addresses|(Ipv6|PrivateIp)Address\.N|ResourceId\.N|TagFilter.*|NextToken)$/i;

/** Tags that can be on nothing are refused, though they are filters. */
const TAGS = /^(DescribeTags Tag\.N\.\w+|ListTagResources (Tag\.N\.\w+|TagFilter\.N\.TagKey))$/i;

/** Words of a fixed list; text that none of them is is refused, in filters too. */
const WORDS =
  /(^|\.)(Status|DiskType|Category|DiskCategory|PerformanceLevel|SourceDiskType|Usage|ResourceType|BootMode|Architecture|Platform|OSType|ImageOwnerAlias|InstanceChargeType|DiskChargeType|ChargeType|MultiAttach|LockReason|LockMode|LockStatus|SnapshotType|AssociationType|AcceptLanguage|Type|StoppedMode|BatchOptimization)$/;

/** What is the same for every resource here, or what none has: whatever is asked for, the answer is right. */
const LENIENT = /^(RemoveTags Tag\.N\.Value|DescribeInstanceTypes \w+(\.N)?|DescribeInstanceStatus InstanceId\.N)$/;

/** Values that must be refused when the parameter is used. */
export function badValues(action: string, { name, type }: Listed): string[] {
  if (/^(retentionDays|CopiedSnapshotsRetentionDays)$/.test(name)) return ALL_BUT_FOR_EVER;
  if (type === 'Integer' || type === 'Long' || /(^|\.)Size$/.test(name)) return NO_WHOLE_NUMBERS;
  if (type === 'Float') return NO_DECIMALS;
  if (LENIENT.test(`${action} ${name}`)) return [];
  if (type === 'Boolean') return FLAGS;
  if (name === 'UserData') return NO_USER_DATA;
  if (JSON_LISTS.test(name)) return BROKEN_LISTS;
  if (WORDS.test(name)) return ['no-such-word', LONG];
  const full = `${action} ${name}`;
  return ANY_TEXT.test(full) && !TAGS.test(full) ? [] : [LONG];
}

/** Values that must be answered somehow, without a failure of ours. */
export const strangeValues = [LONG, ' ', '\0', '[]', '{"__proto__":1}', '\u{1F600}', 'a\'b"c<d>&', '-1', '%00', '1'];

/** Something that asks for what is refused. */
export function askingFor({ type }: Listed): string[] {
  if (type === 'Boolean') return ['true', 'false'];
  if (type === 'Integer' || type === 'Long' || type === 'Float') return ['7'];
  return ['some-thing'];
}

const WORD_VALUES =
  'name-1 text cloud_auto cloud PL0 cn-hangzhou-b Stopped Available In_use accomplished image none disk instance system data self linux arm64 UEFI online PrePaid zh-CN en-US /dev/xvdf 2026-01-01T00:00Z CreationStartTime ecs.external.xlarge Ubuntu x86_64 classic vpc FIFO rg-team ddh SpotAsPriceGo Secondary enterprise egress hupo_empty_20G Enabled security user auto standard flash archive CentOS Deprecated SuccessFirst AllTogether LaunchTime compliance 172.16.0.9 Processing ImportImage 2026-01-01T00:00:00Z golden-family other-family 1.2 1234509876 RAW qcow2 windows'.split(
    ' ',
  );

/** Values that may be good ones, the likeliest first: each used parameter must have one that makes a difference. */
export function likelyValues({ name, type }: Listed, ids: string[]): string[] {
  if (type === 'Boolean') return ['true', 'false'];
  if (type === 'Integer' || type === 'Long' || type === 'Float') return ['2', '11', '40', '100', '1000'];
  if (/(^|\.)Size$/.test(name)) return ['60'];
  if (/^Page(Number|Size)$/.test(name)) return ['2'];
  if (/Ids$|Addresses$/.test(name)) return ids.map((id) => JSON.stringify([id])).concat('["172.16.0.9"]');
  if (/Id(\.N)?$|Family$/.test(name)) return [...ids, ...WORD_VALUES];
  return [...WORD_VALUES, ...ids];
}
