/** What can be done with users, keys, policies and roles, each as a form of RAM. */
import { Form, Input, Select } from 'antd';
import { useAnswer } from '../api/session.tsx';
import type { Parameters } from '../api/ecs.ts';
import { RAM } from '../api/shapes-access.ts';
import type { AccessPoliciesAnswer } from '../api/shapes-access.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { textIn } from '../forms/fields.tsx';
import { useSection, useWords } from '../words/language.tsx';
import { accessWords } from '../words/access.ts';

type OnClose = (isDone: boolean) => void;

const NEW_POLICY = `{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["ecs:Describe*", "ecs:CreateSnapshot"],
      "Resource": "*"
    }
  ]
}`;

const NEW_TRUST = `{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Principal": { "RAM": ["acs:ram::*:root"] }
    }
  ]
}`;

export function CreateUserDialog({ onClose }: { onClose: OnClose }) {
  const { signIn, form } = useWords();
  const { users } = useSection(accessWords);
  return (
    <ActionDialog
      title={users.create}
      intro={users.createIntro}
      action="CreateUser"
      version={RAM}
      toParameters={(given) => ({
        UserName: textIn(given, 'UserName'),
        DisplayName: textIn(given, 'DisplayName'),
        Comments: textIn(given, 'Comments'),
      })}
      fields={
        <>
          <Form.Item
            name="UserName"
            label={users.userName}
            extra={users.userNameRule}
            rules={[{ required: true, message: signIn.missing }]}
          >
            <Input maxLength={64} autoComplete="off" />
          </Form.Item>
          <Form.Item name="DisplayName" label={`${users.displayName} (${form.optional})`}>
            <Input maxLength={128} autoComplete="off" />
          </Form.Item>
          <Form.Item name="Comments" label={`${users.comments} (${form.optional})`}>
            <Input maxLength={128} autoComplete="off" />
          </Form.Item>
        </>
      }
      submit={users.create}
      onClose={onClose}
    />
  );
}

export function AttachPolicyDialog({ userName, onClose }: { userName: string; onClose: OnClose }) {
  const { signIn } = useWords();
  const { users } = useSection(accessWords);
  const { data } = useAnswer<AccessPoliciesAnswer>('ListPolicies', { MaxItems: 100 }, { version: RAM });
  const options = (data?.Policies.Policy ?? []).map(({ PolicyName: name, PolicyType: type, Description: what }) => ({
    value: `${type}/${name}`,
    label: `${name} — ${what || users[type]}`,
  }));
  return (
    <ActionDialog
      title={users.attach}
      intro={users.attachIntro}
      action="AttachPolicyToUser"
      version={RAM}
      toParameters={(given) => {
        const [type, ...name] = (textIn(given, 'policy') ?? '').split('/');
        return { UserName: userName, PolicyType: type, PolicyName: name.join('/') };
      }}
      fields={
        <Form.Item name="policy" label={users.policy} rules={[{ required: true, message: signIn.missing }]}>
          <Select options={options} showSearch={{ optionFilterProp: 'label' }} />
        </Form.Item>
      }
      submit={users.attach}
      onClose={onClose}
    />
  );
}

/** Of a policy or a role: a name, what it is for, and a document. */
export function CreateDocumentDialog({ of, onClose }: { of: 'policy' | 'role'; onClose: OnClose }) {
  const { field, form, signIn } = useWords();
  const { users } = useSection(accessWords);
  const isPolicy = of === 'policy';
  const document = isPolicy ? 'PolicyDocument' : 'AssumeRolePolicyDocument';
  const name = isPolicy ? 'PolicyName' : 'RoleName';
  return (
    <ActionDialog
      title={isPolicy ? users.createPolicy : users.createRole}
      intro={isPolicy ? users.createPolicyIntro : users.createRoleIntro}
      action={isPolicy ? 'CreatePolicy' : 'CreateRole'}
      version={RAM}
      initial={{ document: isPolicy ? NEW_POLICY : NEW_TRUST }}
      toParameters={(given) => ({
        [name]: textIn(given, 'name'),
        Description: textIn(given, 'description'),
        [document]: textIn(given, 'document'),
      })}
      fields={
        <>
          <Form.Item name="name" label={field.name} rules={[{ required: true, message: signIn.missing }]}>
            <Input maxLength={128} autoComplete="off" />
          </Form.Item>
          <Form.Item name="description" label={`${field.description} (${form.optional})`}>
            <Input maxLength={1024} autoComplete="off" />
          </Form.Item>
          <Form.Item name="document" label={isPolicy ? users.document : users.trust}>
            <Input.TextArea rows={12} className="code" spellCheck={false} />
          </Form.Item>
        </>
      }
      submit={isPolicy ? users.createPolicy : users.createRole}
      onClose={onClose}
    />
  );
}

interface SureProps {
  title: string;
  intro: string;
  action: string;
  parameters: Parameters;
  /** What it is done to. */
  subject: string;
  isDangerous?: boolean;
  onClose: OnClose;
}

/** Nothing to fill in: only whether it shall be done. */
export function SureDialog({ title, intro, action, parameters, subject, isDangerous = true, onClose }: SureProps) {
  return (
    <ActionDialog
      title={title}
      intro={
        <>
          {subject}
          <br />
          {intro}
        </>
      }
      action={action}
      version={RAM}
      toParameters={() => parameters}
      submit={title}
      isDangerous={isDangerous}
      onClose={onClose}
    />
  );
}
