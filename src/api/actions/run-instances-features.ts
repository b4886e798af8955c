/**
 * The parameters of CreateInstance and RunInstances that this service does not act on, each with its reason. An instance here is a machine
 * that its user runs: what only concerns paying, or asks for what is so anyway, is accepted; what promises something
 * about the machine, its network or its place is refused, so that nobody believes it happened.
 */
import { creditSpecification, keyPair, notPublic, password, securityAgent, storageSet } from '../absent-features.ts';
import { group, noEffect, notBuilt } from '../parameters.ts';
import { autoPay } from '../subscription-parameters.ts';

const USERS_MACHINE = 'the machine is run by its user, who decides this';

const NO_TEMPLATES = notBuilt('there are no launch templates', { code: 'InvalidLaunchTemplate.NotFound' });

const charging = {
  SpotStrategy: notBuilt('there are no spot instances', { code: 'InvalidSpotStrategy', neutral: ['NoSpot'] }),
  SpotDuration: noEffect('only matters with SpotStrategy'),
  SpotInterruptionBehavior: noEffect('only matters with SpotStrategy'),
  SpotPriceLimit: noEffect('only matters with SpotStrategy'),
};

const network = {
  InternetChargeType: noEffect('only matters to public addresses, and there are none'),
  InternetMaxBandwidthIn: noEffect('only matters to public addresses, and there are none'),
  InternetMaxBandwidthOut: notBuilt('instances get no public address', { neutral: ['0'] }),
  PrivateIpAddress: notBuilt('addresses cannot be chosen'),
};

const machine = {
  HibernationOptions: group({ Configured: notBuilt('instances cannot hibernate', { neutral: ['false'] }) }),
  CreditSpecification: creditSpecification,
  IoOptimized: notBuilt('every instance is I/O optimized', {
    code: 'IoOptimized.NotSupported',
    neutral: ['optimized', 'true'],
  }),
  RamRoleName: notBuilt('there are no instance roles', { code: 'InvalidRamRole.NotFound' }),
  HttpEndpoint: notBuilt('there is no metadata service yet', {
    code: 'InvalidHttpEndpoint.NotSupported',
    neutral: ['disabled'],
  }),
  HttpTokens: notBuilt('there is no metadata service yet', {
    code: 'InvalidHttpTokens.NotSupported',
    neutral: ['optional'],
  }),
  HttpPutResponseHopLimit: notPublic,
};

const system = {
  Password: password(),
  PasswordInherit: noEffect('the system keeps the password it has in any case'),
  KeyPairName: keyPair(),
  SecurityEnhancementStrategy: securityAgent,
};

const place = {
  Affinity: noEffect('only matters to dedicated hosts, and those are refused'),
  Tenancy: notBuilt('there are no dedicated hosts', { code: 'InvalidParam.Tenancy', neutral: ['default'] }),
  DedicatedHostId: notBuilt('there are no dedicated hosts', { code: 'InvalidDedicatedHostId.NotFound' }),
  ManagedHostId: notBuilt('there are no managed hosts'),
  DeploymentSetId: notBuilt('there are no deployment sets', { code: 'DeploymentSet.NotFound' }),
  DeploymentSetGroupNo: noEffect('only matters with DeploymentSetId, and that is refused'),
  HpcClusterId: notBuilt('there are no HPC clusters', { code: 'InvalidHpcClusterId.NotFound' }),
  ...storageSet,
  PrivatePoolOptions: group({
    Id: notBuilt('there are no private pools'),
    MatchCriteria: notBuilt('there are no private pools', { neutral: ['None', 'Open'] }),
  }),
  Arn: notPublic,
};

/** Of both actions. */
export const unbuiltInstanceFeatures = {
  ...charging,
  ...network,
  ...machine,
  ...system,
  ...place,
};

/** Of CreateInstance alone. */
export const unbuiltCreateInstanceFeatures = {
  ClusterId: notBuilt('there are no clusters; leave it out'),
  InnerIpAddress: notBuilt('addresses cannot be chosen'),
  VlanId: notBuilt('there are no VLANs, every instance is in the default vSwitch'),
  UseAdditionalService: noEffect('it is about services of Alibaba Cloud for the machine, and there are none'),
  NodeControllerId: notPublic,
};

/** Of RunInstances alone. */
export const unbuiltRunInstancesFeatures = {
  AutoPay: autoPay,
  AutoReleaseTime: notBuilt('instances are not released by themselves yet'),
  Isp: notPublic,
  Ipv6Address: notBuilt('instances get no IPv6 address', { code: 'InvalidOperation.Ipv6NotSupport' }),
  Ipv6AddressCount: notBuilt('instances get no IPv6 address', {
    code: 'InvalidOperation.Ipv6NotSupport',
    neutral: ['0'],
  }),
  NetworkInterface: notBuilt('every instance has one network interface, in the default vSwitch'),
  NetworkInterfaceQueueNumber: notBuilt(USERS_MACHINE),
  NetworkOptions: notBuilt(USERS_MACHINE),
  PrivateDnsNameOptions: notBuilt('there are no private domain names'),
  CpuOptions: notBuilt(USERS_MACHINE),
  ClockOptions: notBuilt(USERS_MACHINE),
  SecurityOptions: group({
    ConfidentialComputingMode: notBuilt(USERS_MACHINE),
    TrustedSystemMode: notBuilt(USERS_MACHINE),
    EnableSecureBoot: notBuilt(USERS_MACHINE, { neutral: ['false'] }),
  }),
  ImageOptions: group({
    LoginAsNonRoot: notBuilt('the users of the system are its owner’s', { neutral: ['false'] }),
  }),
  SchedulerOptions: notBuilt('there are no dedicated host clusters'),
  LaunchTemplateId: NO_TEMPLATES,
  LaunchTemplateName: NO_TEMPLATES,
  LaunchTemplateVersion: noEffect('only matters with a launch template, and those are refused'),
};
