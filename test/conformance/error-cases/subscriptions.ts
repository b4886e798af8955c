/** Errors of subscriptions, and of an account in arrears. */
import { setDisk, setInstance, type ErrorCase, type ErrorCases } from './case.ts';

const DAY_MS = 86_400_000;

const arrears = (ask: Extract<ErrorCase, { after: unknown }>['ask'] = {}): ErrorCase => ({
  after: ({ world }) => world.control.accountLock.lock({ deleteAfterDays: null }),
  ask,
});

const noBalance = { 'InvalidAccountStatus.NotEnoughBalance': arrears() };

/** The subscription of the scene's instance is over, and it is locked for that. */
const over = (ask: Extract<ErrorCase, { after: unknown }>['ask'] = {}): ErrorCase => ({
  after: async (scene) => {
    const { subscribed: instanceId, world } = scene;
    await setInstance(scene, instanceId, { expires_at_ms: world.clock.nowMs() - DAY_MS });
    await world.control.instanceLocks.lock({ instanceId, reason: 'financial', releaseDays: null });
  },
  ask,
});

const subscription = { InstanceChargeType: 'PrePaid', Period: '1' };
const newInstance: Record<string, ErrorCase> = {
  ...noBalance,
  InvalidPeriod: { ...subscription, Period: '11' },
  'InvalidAutoRenewPeriod.ValueNotSupported': { ...subscription, AutoRenew: 'true', AutoRenewPeriod: '7' },
};
const longToken = { ClientToken: 'x'.repeat(65) };
const unknown = JSON.stringify(['i-none']);
const many = JSON.stringify(Array.from({ length: 21 }, (_, index) => `i-${index}`));
const manyIds = Array.from({ length: 101 }, (_, index) => `i-${index}`).join(',');

export const subscriptionCases: ErrorCases = {
  CreateInstance: {
    ...newInstance,
    'InvalidPeriodUnit.ValueNotSupported': { ...subscription, PeriodUnit: 'Decade' },
  },
  RunInstances: { ...newInstance, 'InvalidPeriodType.ValueNotSupported': { ...subscription, PeriodUnit: 'Decade' } },
  CreateDisk: {
    ...noBalance,
    InvalidPayMethod: ({ running }) => ({ ZoneId: '', InstanceId: running }),
    'InvalidInstanceId.NotFound': { ZoneId: '', InstanceId: 'i-none' },
    'InvalidParam.ZoneIdAndInstanceId.Conflict': ({ subscribed }) => ({ InstanceId: subscribed }),
  },
  CreateSnapshot: noBalance,
  CreateSnapshotGroup: noBalance,
  CopySnapshot: noBalance,
  ResetDisk: {
    'InvalidAccountStatus.NotEnoughBalance': {
      after: async (scene) => {
        await setDisk(scene, scene.stoppedDisk, { status: 'Available', instance_id: null });
        await scene.world.control.accountLock.lock({ deleteAfterDays: null });
      },
    },
  },
  ResetDisks: {
    'InvalidAccountStatus.NotEnoughBalance': {
      after: async (scene) => {
        await setDisk(scene, scene.stoppedDisk, { status: 'Available', instance_id: null });
        await scene.world.control.accountLock.lock({ deleteAfterDays: null });
      },
    },
  },
  AttachDisk: { DiskInArrears: arrears(({ subscribed }) => ({ InstanceId: subscribed })) },
  DetachDisk: {
    DiskNotPortable: ({ subscribed, subscribedDisk }) => ({ DiskId: subscribedDisk, InstanceId: subscribed }),
  },
  DeleteDisk: { DiskNotPortable: ({ subscribedDisk }) => ({ DiskId: subscribedDisk }) },
  ModifyDiskAttribute: {
    DiskNotPortable: ({ subscribedDisk }) => ({ DiskId: subscribedDisk, DeleteWithInstance: 'false' }),
  },
  DeleteInstance: { ChargeTypeViolation: ({ subscribed }) => ({ InstanceId: subscribed, Force: 'true' }) },
  RenewInstance: {
    ChargeTypeViolation: ({ running }) => ({ InstanceId: running }),
    IncorrectInstanceStatus: { after: (scene) => setInstance(scene, scene.subscribed, { status: 'Stopping' }) },
    InstanceLockedForSecurity: {
      after: ({ world, subscribed: instanceId }) =>
        world.control.instanceLocks.lock({ instanceId, reason: 'security', releaseDays: null }),
    },
    'InvalidClientToken.ValueNotSupported': longToken,
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
    InvalidPeriod: { Period: '11' },
    'InvalidPeriod.ExceededMaximumExpirationDate': {
      after: (scene) =>
        setInstance(scene, scene.subscribed, { expires_at_ms: scene.world.clock.nowMs() + 3650 * DAY_MS }),
    },
    'InvalidPeriodUnit.ValueNotSupported': { PeriodUnit: 'Decade' },
    MissingParamter: { Period: '' },
  },
  ModifyInstanceChargeType: {
    ...noBalance,
    'Account.Arrearage': {
      after: ({ world, running: instanceId }) =>
        world.control.instanceLocks.lock({ instanceId, reason: 'financial', releaseDays: null }),
    },
    InstancesIdQuotaExceed: { InstanceIds: many },
    'InvalidClientToken.ValueNotSupported': longToken,
    'InvalidInstanceChargeType.ValueNotSupported': { InstanceChargeType: 'PostPaid' },
    InvalidParameter: { IncludeDataDisks: 'perhaps' },
    'InvalidParameter.InstanceIds': { InstanceIds: unknown },
    'InvalidPeriod.UnitMismatch': { Period: '11' },
    'InvalidStatus.ValueNotSupported': { after: (scene) => setInstance(scene, scene.running, { status: 'Stopping' }) },
  },
  ModifyDiskChargeType: {
    ...noBalance,
    ChargeTypeViolation: ({ running, dataDisk }) => ({ InstanceId: running, DiskIds: JSON.stringify([dataDisk]) }),
    'InvalidClientToken.ValueNotSupported': longToken,
    'InvalidDiskIds.NotFound': { DiskIds: '["d-none"]' },
    'InvalidDiskIds.NotPortable': ({ subscribedSystemDisk }) => ({ DiskIds: JSON.stringify([subscribedSystemDisk]) }),
    'InvalidInstanceChargeType.NotFound': { DiskChargeType: 'Barter' },
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
    'InvalidInstanceStatus.NotSupported': over(),
    'InvalidRegionId.NotFound': { RegionId: 'cn-nowhere' },
  },
  ModifyInstanceAutoRenewAttribute: {
    ChargeTypeViolation: ({ running }) => ({ InstanceId: running }),
    IncorrectInstanceStatus: over(),
    'InvalidParameter.Duration': { Duration: '7' },
    'InvalidParameter.InvalidInstanceId': { InstanceId: 'i-none' },
    'InvalidParameter.RenewalStatus': { RenewalStatus: 'Perhaps' },
    'InvalidParameter.ToManyInstanceIds': { InstanceId: manyIds },
    'InvalidPeriodUnit.ValueNotSupported': { PeriodUnit: 'Decade' },
    'MissingParameter.InstanceId': { InstanceId: '' },
  },
  DescribeInstanceAutoRenewAttribute: {
    'InvalidParameter.InvalidInstanceId': { InstanceId: 'i-none' },
    'InvalidParameter.RenewalStatus': { RenewalStatus: 'Perhaps' },
    'InvalidParameter.ToManyInstanceIds': { InstanceId: manyIds },
  },
};
