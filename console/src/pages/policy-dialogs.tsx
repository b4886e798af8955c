/** What can be done with automatic snapshot policies, each as a form. */
import { Form, InputNumber, Select, Space } from 'antd';
import { useAnswer, useSession } from '../api/session.tsx';
import type { Parameters } from '../api/ecs.ts';
import { keepPeriods } from '../api/shapes-policies.ts';
import type { PoliciesPage, Policy } from '../api/shapes-policies.ts';
import type { Disk, DisksPage, Region } from '../api/shapes.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import type { Given } from '../forms/action-dialog.tsx';
import { NameField, ResourceField, TagsField, tagParameters, textIn } from '../forms/fields.tsx';
import { WeekEditor } from '../forms/week-editor.tsx';
import { useSection, useWords } from '../words/language.tsx';
import { policyWords } from '../words/policies.ts';

type OnClose = (isDone: boolean) => void;

/** Of a new policy, or of one that is changed. */
export function PolicyDialog({ policy, onClose }: { policy?: Policy; onClose: OnClose }) {
  const { field } = useWords();
  const words = useSection(policyWords);
  const isNew = policy === undefined;
  return (
    <ActionDialog
      title={isNew ? words.create : words.edit}
      intro={words.createIntro}
      action={isNew ? 'CreateAutoSnapshotPolicy' : 'ModifyAutoSnapshotPolicyEx'}
      initial={isNew ? { days: [1, 2, 3, 4, 5, 6, 7], hours: [1], retention: 30, missed: 'run' } : givenOf(policy)}
      toParameters={(given) => ({
        ...(isNew ? tagParameters(given) : { autoSnapshotPolicyId: policy.AutoSnapshotPolicyId }),
        ...termsOf(given, policy),
      })}
      fields={
        <>
          <NameField name="name" label={field.name} />
          <WeekEditor />
          <Form.Item name="retention" label={words.retention} extra={words.retentionHint}>
            <InputNumber min={1} max={65_535} precision={0} />
          </Form.Item>
          <KeepFields />
          <Form.Item name="missed" label={words.missed}>
            <Select
              options={[
                { value: 'run', label: words.missedRun },
                { value: 'skip', label: words.missedSkip },
              ]}
            />
          </Form.Item>
          <CopyFields />
          {isNew ? <TagsField /> : null}
        </>
      }
      submit={isNew ? words.create : words.edit}
      onClose={onClose}
    />
  );
}

function KeepFields() {
  const words = useSection(policyWords);
  return (
    <Form.Item label={words.keep} extra={words.keepHint}>
      <Space wrap>
        {keepPeriods.map((period) => (
          <label key={period}>
            {words.periods[period]}{' '}
            <Form.Item name={`keep${period}`} noStyle>
              <InputNumber min={0} max={999} precision={0} size="small" className="short" />
            </Form.Item>
          </label>
        ))}
      </Space>
    </Form.Item>
  );
}

function CopyFields() {
  const words = useSection(policyWords);
  const { regionId } = useSession();
  const { data } = useAnswer<{ Regions: { Region: Region[] } }>('DescribeRegions', {});
  const others = (data?.Regions.Region ?? []).filter(({ RegionId }) => RegionId !== regionId);
  const copyRegion = Form.useWatch<string | undefined>('copyRegion') ?? '';
  if (others.length === 0) return null;
  return (
    <>
      <Form.Item name="copyRegion" label={words.copy}>
        <Select
          options={[
            { value: '', label: words.copyNone },
            ...others.map(({ RegionId: value, LocalName }) => ({ value, label: LocalName || value })),
          ]}
        />
      </Form.Item>
      {copyRegion === '' ? null : (
        <Form.Item name="copyRetention" label={words.copyDays} extra={words.retentionHint}>
          <InputNumber min={1} max={65_535} precision={0} />
        </Form.Item>
      )}
    </>
  );
}

function givenOf(policy: Policy): Given {
  return {
    name: policy.AutoSnapshotPolicyName,
    days: numbersOf(policy.RepeatWeekdays),
    hours: numbersOf(policy.TimePoints),
    retention: policy.RetentionDays === -1 ? null : policy.RetentionDays,
    missed: policy.MissedRuns,
    copyRegion: policy.EnableCrossRegionCopy ? (listOf(policy.TargetCopyRegions)[0] ?? '') : '',
    copyRetention: policy.CopiedSnapshotsRetentionDays > 0 ? policy.CopiedSnapshotsRetentionDays : null,
    ...Object.fromEntries(keepPeriods.map((period) => [`keep${period}`, policy.Keep?.[period]])),
  };
}

/** Of a policy that has had such rules they are all sent: zeros take them away. */
function termsOf(given: Given, policy: Policy | undefined): Parameters {
  const hasKeep = policy?.Keep !== undefined || keepPeriods.some((period) => Number(given[`keep${period}`] ?? 0) > 0);
  const copyRegion = textIn(given, 'copyRegion');
  const copies =
    copyRegion === undefined
      ? policy?.EnableCrossRegionCopy === true
        ? { EnableCrossRegionCopy: false }
        : {}
      : {
          EnableCrossRegionCopy: true,
          TargetCopyRegions: JSON.stringify([copyRegion]),
          CopiedSnapshotsRetentionDays: textIn(given, 'copyRetention') ?? '-1',
        };
  return {
    autoSnapshotPolicyName: textIn(given, 'name'),
    repeatWeekdays: textsJson(given['days']),
    timePoints: textsJson(given['hours']),
    retentionDays: textIn(given, 'retention') ?? '-1',
    MissedRuns: textIn(given, 'missed'),
    ...(hasKeep
      ? Object.fromEntries(keepPeriods.map((period) => [`Keep.${period}`, Number(given[`keep${period}`] ?? 0)]))
      : {}),
    ...copies,
  };
}

export function DeletePolicyDialog({ policy, onClose }: { policy: Policy; onClose: OnClose }) {
  const words = useSection(policyWords);
  const { AutoSnapshotPolicyId: id, AutoSnapshotPolicyName: name } = policy;
  return (
    <ActionDialog
      title={words.delete}
      intro={
        <>
          {`${name} ${id}`.trim()}
          <br />
          {words.deleteIntro}
        </>
      }
      action="DeleteAutoSnapshotPolicy"
      toParameters={() => ({ autoSnapshotPolicyId: id })}
      submit={words.delete}
      isDangerous
      onClose={onClose}
    />
  );
}

/** Of one policy to disks that are chosen in the form. */
export function ApplyToDisksDialog({ policy, onClose }: { policy: Policy; onClose: OnClose }) {
  const { signIn } = useWords();
  const words = useSection(policyWords);
  const { data } = useAnswer<DisksPage>('DescribeDisks', { PageSize: 100 });
  const options = (data?.Disks.Disk ?? []).map(({ DiskId: value, DiskName }) => ({
    value,
    label: DiskName === '' ? value : `${DiskName} (${value})`,
  }));
  return (
    <ActionDialog
      title={words.apply}
      intro={words.applyIntro}
      action="ApplyAutoSnapshotPolicy"
      toParameters={(given) => ({
        autoSnapshotPolicyId: policy.AutoSnapshotPolicyId,
        diskIds: JSON.stringify(given['disks'] ?? []),
      })}
      fields={
        <Form.Item name="disks" label={words.disks} rules={[{ required: true, message: signIn.missing }]}>
          <Select mode="multiple" options={options} showSearch={{ optionFilterProp: 'label' }} />
        </Form.Item>
      }
      submit={words.apply}
      onClose={onClose}
    />
  );
}

/** Of a policy that is chosen in the form to these disks. */
export function ApplyPolicyDialog({ disks, onClose }: { disks: readonly Disk[]; onClose: OnClose }) {
  const words = useSection(policyWords);
  return (
    <ActionDialog
      title={words.set}
      intro={words.setIntro}
      action="ApplyAutoSnapshotPolicy"
      toParameters={(given) => ({
        autoSnapshotPolicyId: textIn(given, 'policy'),
        diskIds: JSON.stringify(disks.map(({ DiskId }) => DiskId)),
      })}
      fields={
        <ResourceField<PoliciesPage>
          name="policy"
          label={words.choosePolicy}
          action="DescribeAutoSnapshotPolicyEx"
          searchBy={null}
          isRequired
          choicesOf={(answer) =>
            answer.AutoSnapshotPolicies.AutoSnapshotPolicy.map((policy) => ({
              value: policy.AutoSnapshotPolicyId,
              label: `${policy.AutoSnapshotPolicyName} (${policy.AutoSnapshotPolicyId})`.trim(),
            }))
          }
        />
      }
      submit={words.set}
      onClose={onClose}
    />
  );
}

export function CancelPolicyDialog(props: { policyId: string; diskId: string; onClose: OnClose }) {
  const { policyId, diskId, onClose } = props;
  const words = useSection(policyWords);
  return (
    <ActionDialog
      title={words.remove}
      intro={
        <>
          {diskId}
          <br />
          {words.removeIntro}
        </>
      }
      action="CancelAutoSnapshotPolicy"
      toParameters={() => ({ autoSnapshotPolicyId: policyId, diskIds: JSON.stringify([diskId]) })}
      submit={words.remove}
      isDangerous
      onClose={onClose}
    />
  );
}

export function numbersOf(json: string): number[] {
  return listOf(json).map(Number);
}

function listOf(json: string): string[] {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return [];
  }
}

function textsJson(numbers: unknown): string {
  return JSON.stringify(((numbers ?? []) as number[]).map(String));
}
