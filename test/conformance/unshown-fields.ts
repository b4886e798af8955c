/** Documented fields of answers that are never shown, with the reason. A pattern is matched with `Action Path.Of.Field`. */

export const unshownFields: readonly { fields: RegExp; reason: string }[] = [
  {
    fields:
      /^((CreateInstance|RunInstances) TradePrice|(ResizeDisk|ModifyDiskSpec) OrderId|ModifyInstanceChargeType FeeOfInstances\..*)$/,
    reason: 'nothing is paid',
  },
  {
    fields: /^DescribeSnapshotPackage SnapshotPackages\./,
    reason: 'nothing is sold: the list is empty',
  },
  {
    fields: / .*OperationLock\w*\.(OperationLock|LockReason)\.Lock(Reason|Msg)$/,
    reason: 'shown while an instance is locked, which nothing here is: see HupoLockInstance; a lock has no message',
  },
  {
    fields: / .*(InnerIpAddress|PublicIpAddress|RdmaIpAddress)\.IpAddress$/,
    reason: 'there are no such addresses: the list is empty',
  },
  {
    fields:
      /^DescribeZones Zones\.Zone\.(AvailableDedicatedHostTypes|AvailableVolumeCategories|DedicatedHostGenerations)\./,
    reason: 'there are no dedicated hosts and volumes: the list is empty',
  },
  {
    fields: /^Describe(Instances|NetworkInterfaces) .*\.(Ipv4PrefixSets|Ipv6PrefixSets|Ipv6Sets)\./,
    reason: 'the network has no such addresses: the list is empty',
  },
  {
    fields:
      /^DescribeInstances Instances\.Instance\.(AdditionalInfo\..*|ClockOptions\..*|CpuOptions\.(EnableVISST|EnableVRDT|NestedVirtualization|TopologyType|TurboMode)|PrivateDnsNameOptions\..*|ImageOptions\.CurrentOSNVMeSupported|MetadataOptions\.InstanceMetadataTags)$/,
    reason: 'the machine is run by its user, who decides this',
  },
  {
    fields:
      /^DescribeInstances Instances\.Instance\.(DeploymentSetGroupNo|EipAddress\.IsSupportUnassociate|EnableNVS|ISP|SpotInterruptionBehavior|NetworkInterfaces\.NetworkInterface\.PrivateIpSets\.PrivateIpSet\.PrivateDnsName)$/,
    reason: 'it is about features that are not there',
  },
  {
    fields: /^DescribeDisks Disks\.Disk\.(IOPS|Throughput)(Read|Write)?$/,
    reason: 'disks are as fast as they can be; with `serve --disk-limits` it is shown what they are held to',
  },
  {
    fields: /^DescribeDisks Disks\.Disk\.(ProvisionedIops|StorageSetPartitionNumber|DataSource\.\w+|SourceDiskId)$/,
    reason: 'it is about features that are not there',
  },
  {
    fields:
      /^(DescribeSnapshots |DescribeSnapshotGroups SnapshotGroups\.SnapshotGroup\.)Snapshots\.Snapshot\.(InstantAccess)?RetentionDays$/,
    reason: 'it is shown of snapshots that are kept for a time, and none of those here is',
  },
  {
    fields:
      /^DescribeInstanceTypes InstanceTypes\.InstanceType\.(Attributes|Clock|CpuOptions|EnhancedNetwork|NetworkCards|NetworkInfo|SecurityOptions)\./,
    reason: 'the machine is run by its user, who decides this',
  },
  {
    fields:
      /^DescribeInstanceTypes InstanceTypes\.InstanceType\.(GPUMemorySize|JumboFrameSupport|MaximumQueueNumberPerEni|NetworkCardQuantity|NetworkEncryptionSupport|TotalEniQueueQuantity)$/,
    reason: 'the machine is run by its user, who decides this',
  },
  {
    fields: /^DescribeImageSharePermission ShareGroups\..*$/,
    reason: 'there are no groups of accounts',
  },
  {
    fields: /^DescribeImages Images\.Image\.(DetectionOptions\.Items\..*|ImageOwnerId)$/,
    reason: 'images are not examined, and there are no accounts',
  },
  {
    fields: /^DescribeInstanceHistoryEvents InstanceSystemEventSet\./,
    reason: 'there are no system events: the list is empty',
  },
  { fields: /^DescribeKeyPairs KeyPairs\./, reason: 'there are no key pairs: the list is empty' },
  { fields: /^DescribeEipAddresses EipAddresses\./, reason: 'there are no public addresses: the list is empty' },
  {
    fields: / (.*\.MaintenanceWindow\.\w+|.*\.UserCidr|.*\.SecurityGroup\.Tags\.Tag\.\w+|SnapshotPolicyIds\.\w+)$/,
    reason: 'there are none: the list is empty',
  },
  {
    fields:
      /^Describe(SecurityGroups|NetworkInterfaces) .*\.(AvailableInstanceAmount|ServiceID|OwnerId|PrivateDnsName)$/,
    reason: 'there are no accounts, limits of groups or private domain names',
  },
];
