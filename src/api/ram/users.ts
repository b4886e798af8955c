/** RAM's actions on users and their AccessKeys (version 2015-05-01). */
import type { RamKeyRow, RamUserRow } from '../../catalog/access-schema.ts';
import {
  changeKey,
  createKey,
  createUser,
  deleteKey,
  deleteUser,
  getUser,
  keysOf,
  updateUser,
} from '../../access/users.ts';
import { RequestError } from '../../lib/errors.ts';
import { defineAccountAction, type Caller } from '../caller.ts';
import { emptiable, oneOf, required, text } from '../parameters.ts';
import { existing, fact, named, pageOf, pages, time } from './parameters.ts';

const service = 'ram' as const;
const UserName = existing('UserName');
const contact = { MobilePhone: emptiable(text()), Email: emptiable(text()) };

const createUserAction = defineAccountAction({
  name: 'CreateUser',
  service,
  parameters: {
    UserName: named('UserName'),
    DisplayName: fact('DisplayName'),
    Comments: fact('Comments'),
    ...contact,
  },
  run: async (values, { account }) => {
    const user = await createUser(account, values.UserName, {
      displayName: values.DisplayName ?? values.UserName,
      comments: values.Comments ?? '',
      mobilePhone: values.MobilePhone ?? '',
      email: values.Email ?? '',
    });
    return { User: renderUser(user) };
  },
});

const getUserAction = defineAccountAction({
  name: 'GetUser',
  service,
  parameters: { UserName },
  run: (values, { account }) => ({ User: renderUser(getUser(account.state, values.UserName)) }),
});

const listUsers = defineAccountAction({
  name: 'ListUsers',
  service,
  parameters: { ...pages },
  run: (values, { account }) => {
    const page = pageOf([...account.state.usersByName.values()], values, (user) => user.user_name);
    return { ...page.fields, Users: { User: page.shown.map(renderUser) } };
  },
});

const updateUserAction = defineAccountAction({
  name: 'UpdateUser',
  service,
  parameters: {
    UserName,
    NewUserName: fact('NewUserName'),
    NewDisplayName: fact('NewDisplayName'),
    NewComments: fact('NewComments'),
    NewMobilePhone: emptiable(text()),
    NewEmail: emptiable(text()),
  },
  run: async (values, { account }) => {
    const user = await updateUser(account, values.UserName, {
      newName: values.NewUserName || null,
      displayName: values.NewDisplayName,
      comments: values.NewComments,
      mobilePhone: values.NewMobilePhone,
      email: values.NewEmail,
    });
    return { User: renderUser(user) };
  },
});

const deleteUserAction = defineAccountAction({
  name: 'DeleteUser',
  service,
  parameters: { UserName },
  run: async (values, { account }) => {
    await deleteUser(account, values.UserName);
    return {};
  },
});

const createAccessKey = defineAccountAction({
  name: 'CreateAccessKey',
  service,
  parameters: { UserName: text() },
  run: async (values, caller) => {
    const { key, secret } = await createKey(caller.account, userOf(values, caller));
    return { AccessKey: { ...renderKey(key), AccessKeySecret: secret } };
  },
});

const listAccessKeys = defineAccountAction({
  name: 'ListAccessKeys',
  service,
  parameters: { UserName: text() },
  run: (values, caller) => {
    const { state } = caller.account;
    const keys = keysOf(state, getUser(state, userOf(values, caller)));
    return { AccessKeys: { AccessKey: keys.map(renderKey) } };
  },
});

const STATUSES = ['Active', 'Inactive'] as const;
const UserAccessKeyId = required(text(), 'MissingParameter.UserAccessKeyId');

const updateAccessKey = defineAccountAction({
  name: 'UpdateAccessKey',
  service,
  parameters: {
    UserName: text(),
    UserAccessKeyId,
    Status: required(oneOf(STATUSES, 'InvalidParameter.Status'), 'MissingParameter.Status'),
  },
  run: async (values, caller) => {
    const { UserAccessKeyId: accessKeyId, Status: status } = values;
    await changeKey(caller.account, { userName: userOf(values, caller), accessKeyId, status });
    return {};
  },
});

const deleteAccessKey = defineAccountAction({
  name: 'DeleteAccessKey',
  service,
  parameters: { UserName: text(), UserAccessKeyId },
  run: async (values, caller) => {
    await deleteKey(caller.account, { userName: userOf(values, caller), accessKeyId: values.UserAccessKeyId });
    return {};
  },
});

export const userActions = [
  ...[createUserAction, getUserAction, listUsers, updateUserAction, deleteUserAction],
  ...[createAccessKey, listAccessKeys, updateAccessKey, deleteAccessKey],
];

/** Without a name it is about the one who asks; root's own key is in no list. */
function userOf({ UserName: name }: { UserName: string | null }, { principal }: Caller): string {
  if (name !== null) return name;
  if (principal.kind === 'user') return principal.name;
  throw new RequestError(
    'MissingParameter.UserName',
    'UserName is mandatory for this action, unless a user asks about its own AccessKeys.',
  );
}

function renderUser(user: RamUserRow) {
  return {
    UserId: user.user_id,
    UserName: user.user_name,
    DisplayName: user.display_name,
    MobilePhone: user.mobile_phone,
    Email: user.email,
    Comments: user.comments,
    CreateDate: time(user.created_at_ms),
    UpdateDate: time(user.updated_at_ms),
  };
}

function renderKey(key: RamKeyRow) {
  return { AccessKeyId: key.access_key_id, Status: key.status, CreateDate: time(key.created_at_ms) };
}
