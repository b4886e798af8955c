/**
 * What ECS has and this service has not, as parameters of several actions: each has one reason, in the same words wherever it
 * is refused or has no effect.
 */
import { noEffect, notBuilt, type Parameter } from './parameters.ts';

export const notPublic = noEffect('not public; the documentation says to ignore it');
export const allFieldsAreShown = noEffect('asks for fields, and all there are are shown');
export const stoppedMode = noEffect('chooses what is charged while stopped, and nothing is charged here');
export const securityAgent = noEffect('it is about an agent in images of Alibaba Cloud, and there are none');
export const instantAccess = noEffect('documented as having no effect any more: every snapshot can be used at once');

export const creditSpecification = notBuilt('there are no burstable instance types', {
  code: 'InvalidParameter.CreditSpecification',
});

export const imdsSupport = notBuilt('there is no metadata service yet', { neutral: ['v1'] });

export const noRoles = noEffect('there is no other service here that would need a role for it');

export const nvmeSupport = notBuilt('disks are reached over NBD, not as NVMe devices', { neutral: ['unsupported'] });

export function keyPair(code = 'InvalidKeyPairName.NotFound'): Parameter<null> {
  return notBuilt('there are no key pairs', { code });
}

export function password(code?: string): Parameter<null> {
  const reason = 'a password cannot be set in a machine that its user runs; leave it out';
  return notBuilt(reason, code === undefined ? {} : { code });
}

/** What every way of making a disk documents and this service has not got. */
export const unbuiltDiskFeatures = {
  Encrypted: notBuilt('this service does not encrypt disks yet', {
    code: 'InvalidParameter.EncryptedNotSupported',
    neutral: ['false'],
  }),
  KMSKeyId: notBuilt('this service does not encrypt disks yet', { code: 'InvalidParameter.EncryptedNotSupported' }),
  EncryptAlgorithm: noEffect('not public; it only matters to encrypted disks, and those are refused'),
  BurstingEnabled: notBuilt('disks here are as fast as they can be at all times', {
    code: 'BurstingEnabledForDiskCategoryUnsupported',
    neutral: ['false'],
  }),
  ProvisionedIops: notBuilt('disks here are as fast as they can be, no number of operations is set aside', {
    code: 'ProvisionedIopsForDiskCategoryUnsupported',
    neutral: ['0'],
  }),
  StorageClusterId: notBuilt('there are no dedicated block storage clusters', {
    code: 'InvalidStorageClusterId.NotExist',
  }),
};

/** Of every way of making a disk or an instance. */
export const storageSet = {
  StorageSetId: notBuilt('there are no storage sets'),
  StorageSetPartitionNumber: noEffect('only matters with StorageSetId, and that is refused'),
};
