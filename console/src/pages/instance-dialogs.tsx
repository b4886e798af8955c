/** What can be done with instances, each as a form. */
import { Checkbox, Form, Input, InputNumber, Select } from 'antd';
import { offeredCategories } from '../../../src/ecs/disk-categories.ts';
import type { Instance } from '../api/shapes.ts';
import { useAnswer } from '../api/session.tsx';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { DescriptionField, NameField, ResourceField, TagsField, tagParameters, textIn } from '../forms/fields.tsx';
import { useWords } from '../words/language.tsx';

export type InstanceAct = 'start' | 'stop' | 'reboot' | 'release';

interface DialogProps {
  chosen: readonly Instance[];
  onClose: (isDone: boolean) => void;
}

const actions = {
  start: 'StartInstance',
  stop: 'StopInstance',
  reboot: 'RebootInstance',
  release: 'DeleteInstance',
} as const;

export function InstanceDialog({ act, chosen, onClose }: DialogProps & { act: InstanceAct }) {
  const { instances } = useWords();
  const [only] = chosen;
  const isRelease = act === 'release';
  return (
    <ActionDialog
      title={instances[act]}
      intro={
        <>
          {chosen.map(({ InstanceId, InstanceName }) => `${InstanceName} ${InstanceId}`.trim()).join(', ')}
          <br />
          {instances[`${act}Intro`]}
        </>
      }
      action={actions[act]}
      subjects={chosen.map(({ InstanceId }) => InstanceId)}
      toParameters={(given, instanceId) => ({
        InstanceId: instanceId,
        ...(isRelease && given['Force'] === true ? { Force: true } : {}),
      })}
      fields={
        isRelease ? (
          <Form.Item name="Force" valuePropName="checked">
            <Checkbox>{instances.releaseConfirm}</Checkbox>
          </Form.Item>
        ) : null
      }
      submit={instances[act]}
      isDangerous={act !== 'start'}
      {...(isRelease && chosen.length === 1 && only !== undefined ? { confirmText: only.InstanceId } : {})}
      onClose={onClose}
    />
  );
}

interface ImagesPage {
  Images: { Image: { ImageId: string; ImageName: string }[] };
}

interface TypesAnswer {
  InstanceTypes: { InstanceType: { InstanceTypeId: string; CpuCoreCount: number; MemorySize: number }[] };
}

export function CreateInstanceDialog({ onClose }: { onClose: (isDone: boolean) => void }) {
  const words = useWords();
  const { data } = useAnswer<TypesAnswer>('DescribeInstanceTypes', {});
  const types = (data?.InstanceTypes.InstanceType ?? []).map(({ InstanceTypeId: value, CpuCoreCount, MemorySize }) => ({
    value,
    label: `${value} (${words.field.cores(CpuCoreCount, MemorySize)})`,
  }));
  if (types.length === 0) return null;
  return (
    <ActionDialog
      title={words.instances.create}
      intro={words.instances.createIntro}
      action="RunInstances"
      initial={{ InstanceType: types[0]?.value, Category: 'cloud_essd', Size: 20, Amount: 1 }}
      toParameters={(given) => ({
        InstanceType: textIn(given, 'InstanceType'),
        ImageId: textIn(given, 'ImageId'),
        InstanceName: textIn(given, 'InstanceName'),
        HostName: textIn(given, 'HostName'),
        Description: textIn(given, 'Description'),
        'SystemDisk.Category': textIn(given, 'Category'),
        'SystemDisk.Size': textIn(given, 'Size'),
        Amount: textIn(given, 'Amount'),
        ...tagParameters(given),
      })}
      fields={
        <>
          <NameField name="InstanceName" label={words.field.name} />
          <Form.Item name="InstanceType" label={words.instances.instanceType}>
            <Select options={types} showSearch />
          </Form.Item>
          <ResourceField<ImagesPage>
            name="ImageId"
            label={words.instances.image}
            extra={words.instances.imageHint}
            action="DescribeImages"
            searchBy="ImageName"
            isRequired
            choicesOf={(answer) =>
              answer.Images.Image.map(({ ImageId: value, ImageName }) => ({
                value,
                label: ImageName === value || ImageName === '' ? value : `${ImageName} (${value})`,
              }))
            }
          />
          <Form.Item name="Category" label={words.field.category}>
            <Select options={offeredCategories.map((value) => ({ value }))} />
          </Form.Item>
          <Form.Item name="Size" label={words.disks.sizeGib}>
            <InputNumber min={1} max={2048} precision={0} />
          </Form.Item>
          <Form.Item name="Amount" label={words.instances.amount}>
            <InputNumber min={1} max={100} precision={0} />
          </Form.Item>
          <DescriptionField />
          <TagsField />
          <Form.Item name="HostName" hidden>
            <Input />
          </Form.Item>
        </>
      }
      submit={words.instances.create}
      onClose={onClose}
    />
  );
}
