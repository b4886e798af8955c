/**
 * The documented parameters of each action, as data: `Name` is text, `Name:Integer` another type, `!Name` must be given,
 * `Name.N` is a list, `Name.N.Member` a list of groups, `Name.*` a group whose members the source does not list.
 *
 * Derived from `metadatas/ecs` of github `aliyun/aliyun-openapi-meta` at 2563691c (Apache-2.0) by
 * `test/data/derive-data.ts`; do not edit by hand.
 */
export const ecsParameters: Readonly<Record<string, string>> = {
  AddTags: `
    !RegionId !ResourceId !ResourceType !Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value
  `,
  ApplyAutoSnapshotPolicy: `
    !autoSnapshotPolicyId !diskIds !regionId
  `,
  AttachDisk: `
    Bootable:Boolean DeleteWithInstance:Boolean Device !DiskId Force:Boolean !InstanceId KeyPairName Password
  `,
  CancelAutoSnapshotPolicy: `
    autoSnapshotPolicyId !diskIds !regionId
  `,
  CancelCopyImage: `
    !ImageId !RegionId
  `,
  CancelTask: `
    !RegionId !TaskId
  `,
  CopyImage: `
    ClientToken DestinationDescription DestinationImageName DestinationRegionId DryRun:Boolean EncryptAlgorithm
    Encrypted:Boolean !ImageId KMSKeyId !RegionId ResourceGroupId Tag.N.Key Tag.N.Value
  `,
  CopySnapshot: `
    Arn.N.AssumeRoleFor:Long Arn.N.RoleType Arn.N.Rolearn ClientToken !DestinationRegionId
    !DestinationSnapshotDescription !DestinationSnapshotName DestinationStorageLocationArn Encrypted:Boolean
    KMSKeyId !RegionId ResourceGroupId RetentionDays:Integer !SnapshotId Tag.N.Key Tag.N.Value
  `,
  CreateAutoSnapshotPolicy: `
    CopiedSnapshotsRetentionDays:Integer CopyEncryptionConfiguration.*:Struct EnableCrossRegionCopy:Boolean
    ResourceGroupId StorageLocationArn Tag.N.Key Tag.N.Value TargetCopyRegions autoSnapshotPolicyName !regionId
    !repeatWeekdays !retentionDays:Integer !timePoints
  `,
  CreateDisk: `
    AdvancedFeatures Arn.N.AssumeRoleFor:Long Arn.N.RoleType Arn.N.Rolearn BurstingEnabled:Boolean ClientToken
    Description DiskCategory DiskName EncryptAlgorithm Encrypted:Boolean InstanceId KMSKeyId MultiAttach
    PerformanceLevel ProvisionedIops:Long !RegionId ResourceGroupId Size:Integer SnapshotId StorageClusterId
    StorageSetId StorageSetPartitionNumber:Integer Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value ZoneId
  `,
  CreateImage: `
    Architecture BootMode ClientToken Description DetectionStrategy DiskDeviceMapping.N.Device
    DiskDeviceMapping.N.DiskType DiskDeviceMapping.N.Size:Integer DiskDeviceMapping.N.SnapshotId DryRun:Boolean
    Features.*:Struct ImageFamily ImageName ImageVersion InstanceId Platform !RegionId ResourceGroupId SnapshotId
    Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value
  `,
  CreateInstance: `
    Affinity Arn.N.AssumeRoleFor:Long Arn.N.RoleType Arn.N.Rolearn AutoRenew:Boolean AutoRenewPeriod:Integer
    ClientToken ClusterId CreditSpecification DataDisk.N.Category DataDisk.N.DeleteWithInstance:Boolean
    DataDisk.N.Description DataDisk.N.Device DataDisk.N.DiskName DataDisk.N.EncryptAlgorithm
    DataDisk.N.Encrypted:Boolean DataDisk.N.KMSKeyId DataDisk.N.PerformanceLevel DataDisk.N.Size:Integer
    DataDisk.N.SnapshotId DataDisk.N.StorageClusterId DedicatedHostId DeletionProtection:Boolean
    DeploymentSetGroupNo:Integer DeploymentSetId Description DryRun:Boolean HibernationOptions.Configured:Boolean
    HostName HpcClusterId HttpEndpoint HttpPutResponseHopLimit:Integer HttpTokens ImageFamily ImageId
    InnerIpAddress InstanceChargeType InstanceName !InstanceType InternetChargeType InternetMaxBandwidthIn:Integer
    InternetMaxBandwidthOut:Integer IoOptimized KeyPairName NodeControllerId Password PasswordInherit:Boolean
    Period:Integer PeriodUnit PrivateIpAddress PrivatePoolOptions.Id PrivatePoolOptions.MatchCriteria RamRoleName
    !RegionId ResourceGroupId SecurityEnhancementStrategy SecurityGroupId SpotDuration:Integer
    SpotInterruptionBehavior SpotPriceLimit:Float SpotStrategy StorageSetId StorageSetPartitionNumber:Integer
    SystemDisk.Category SystemDisk.Description SystemDisk.DiskName SystemDisk.PerformanceLevel
    SystemDisk.Size:Integer Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value Tenancy UseAdditionalService:Boolean
    UserData VSwitchId VlanId ZoneId
  `,
  CreateSnapshot: `
    Category ClientToken Description !DiskId InstantAccess:Boolean InstantAccessRetentionDays:Integer
    ResourceGroupId RetentionDays:Integer SnapshotName StorageLocationArn Tag.N.Key Tag.N.Value Tag.N.key
    Tag.N.value
  `,
  CreateSnapshotGroup: `
    ClientToken Description DiskId.N ExcludeDiskId.N InstanceId InstantAccess:Boolean
    InstantAccessRetentionDays:Integer Name !RegionId ResourceGroupId StorageLocationArn Tag.N.Key Tag.N.Value
  `,
  DeleteAutoSnapshotPolicy: `
    !autoSnapshotPolicyId !regionId
  `,
  DeleteDisk: `
    !DiskId
  `,
  DeleteImage: `
    DryRun:Boolean Force:Boolean !ImageId !RegionId
  `,
  DeleteInstance: `
    DryRun:Boolean Force:Boolean ForceStop:Boolean !InstanceId TerminateSubscription:Boolean
  `,
  DeleteInstances: `
    ClientToken DryRun:Boolean Force:Boolean ForceStop:Boolean !InstanceId.N !RegionId
    TerminateSubscription:Boolean
  `,
  DeleteSnapshot: `
    Force:Boolean !SnapshotId
  `,
  DeleteSnapshotGroup: `
    !RegionId !SnapshotGroupId
  `,
  DescribeAutoSnapshotPolicyAssociations: `
    AutoSnapshotPolicyId DiskId MaxResults:Integer NextToken !RegionId
  `,
  DescribeAutoSnapshotPolicyEx: `
    AutoSnapshotPolicyId AutoSnapshotPolicyName PageNumber:Integer PageSize:Integer !RegionId ResourceGroupId
    Tag.N.Key Tag.N.Value
  `,
  DescribeAvailableResource: `
    Cores:Integer DataDiskCategory DedicatedHostId !DestinationResource InstanceChargeType InstanceType IoOptimized
    Memory:Float NetworkCategory !RegionId ResourceType Scope SpotDuration:Integer SpotStrategy SystemDiskCategory
    ZoneId
  `,
  DescribeDiskMonitorData: `
    !DiskId !EndTime Period:Integer !StartTime
  `,
  DescribeDisks: `
    AdditionalAttributes.N AutoSnapshotPolicyId Category DeleteAutoSnapshot:Boolean DeleteWithInstance:Boolean
    DiskChargeType DiskIds DiskName DiskType DryRun:Boolean EnableAutoSnapshot:Boolean
    EnableAutomatedSnapshotPolicy:Boolean EnableShared:Boolean Encrypted:Boolean Filter.N.Key Filter.N.Value
    InstanceId KMSKeyId LockReason MaxResults:Integer MultiAttach NextToken PageNumber:Integer PageSize:Integer
    Portable:Boolean !RegionId ResourceGroupId SnapshotId Status Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value ZoneId
  `,
  DescribeEipAddresses: `
    AllocationId AssociatedInstanceId AssociatedInstanceType ChargeType EipAddress Filter.N.Key Filter.N.Value ISP
    LockReason PageNumber:Integer PageSize:Integer !RegionId Status
  `,
  DescribeImageSupportInstanceTypes: `
    ActionType Filter.N.Key Filter.N.Value ImageId !RegionId
  `,
  DescribeImageFromFamily: `
    !ImageFamily !RegionId
  `,
  DescribeImageSharePermission: `
    !ImageId PageNumber:Integer PageSize:Integer !RegionId
  `,
  DescribeImages: `
    ActionType Architecture DryRun:Boolean Filter.N.Key Filter.N.Value ImageFamily ImageId ImageName
    ImageOwnerAlias ImageOwnerId:Long InstanceType IsPublic:Boolean IsSupportCloudinit:Boolean
    IsSupportIoOptimized:Boolean OSType PageNumber:Integer PageSize:Integer !RegionId ResourceGroupId
    ShowExpired:Boolean SnapshotId Status Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value Usage
  `,
  DescribeInstanceAttachmentAttributes: `
    !InstanceIds PageNumber:Integer PageSize:Integer !RegionId
  `,
  DescribeInstanceAttribute: `
    !InstanceId
  `,
  DescribeInstanceAutoRenewAttribute: `
    InstanceId PageNumber PageSize !RegionId RenewalStatus
  `,
  DescribeInstanceHistoryEvents: `
    EventCycleStatus EventId.N EventPublishTime.End EventPublishTime.Start EventType ImpactLevel
    InstanceEventCycleStatus.N InstanceEventType.N InstanceId MaxResults:Long NextToken NotBefore.End
    NotBefore.Start PageNumber:Integer PageSize:Integer !RegionId ResourceGroupId ResourceId.N ResourceType
    Tag.N.Key Tag.N.Value
  `,
  DescribeInstanceMaintenanceAttributes: `
    InstanceId.N PageNumber:Long PageSize:Long !RegionId
  `,
  DescribeInstanceRamRole: `
    InstanceIds PageNumber:Integer PageSize:Integer RamRoleName !RegionId
  `,
  DescribeInstanceStatus: `
    ClusterId InstanceId.N PageNumber:Integer PageSize:Integer !RegionId ZoneId
  `,
  DescribeInstanceTypes: `
    AdditionalAttributes.N CpuArchitecture CpuArchitectures.N GPUSpec GpuSpecs.N InstanceCategories.N
    InstanceCategory InstanceFamilyLevel InstanceTypeFamilies.N InstanceTypeFamily InstanceTypes.N
    LocalStorageCategories.N LocalStorageCategory MaxResults:Long MaximumCpuCoreCount:Integer
    MaximumCpuSpeedFrequency:Float MaximumCpuTurboFrequency:Float MaximumGPUAmount:Integer MaximumMemorySize:Float
    MinimumBaselineCredit:Integer MinimumCpuCoreCount:Integer MinimumCpuSpeedFrequency:Float
    MinimumCpuTurboFrequency:Float MinimumDiskQuantity:Integer MinimumEniIpv6AddressQuantity:Integer
    MinimumEniPrivateIpAddressQuantity:Integer MinimumEniQuantity:Integer MinimumEriQuantity:Integer
    MinimumGPUAmount:Integer MinimumInitialCredit:Integer MinimumInstanceBandwidthRx:Integer
    MinimumInstanceBandwidthTx:Integer MinimumInstancePpsRx:Long MinimumInstancePpsTx:Long
    MinimumLocalStorageAmount:Integer MinimumLocalStorageCapacity:Long MinimumMemorySize:Float
    MinimumPrimaryEniQueueNumber:Integer MinimumQueuePairNumber:Integer MinimumSecondaryEniQueueNumber:Integer
    NextToken NvmeSupport PhysicalProcessorModel PhysicalProcessorModels.N
  `,
  DescribeInstanceVncUrl: `
    !InstanceId !RegionId
  `,
  DescribeInstances: `
    AdditionalAttributes.N DeviceAvailable:Boolean DryRun:Boolean EipAddresses Filter.N.Key Filter.N.Value
    HpcClusterId HttpEndpoint HttpPutResponseHopLimit:Integer HttpTokens ImageId InnerIpAddresses
    InstanceChargeType InstanceIds InstanceName InstanceNetworkType InstanceType InstanceTypeFamily
    InternetChargeType IoOptimized:Boolean Ipv6Address.N KeyPairName LockReason MaxResults:Integer
    NeedSaleCycle:Boolean NextToken PageNumber:Integer PageSize:Integer PrivateIpAddresses PublicIpAddresses
    RdmaIpAddresses !RegionId ResourceGroupId SecurityGroupId Status Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value
    VSwitchId VpcId ZoneId
  `,
  DescribeKeyPairs: `
    IncludePublicKey:Boolean KeyPairFingerPrint KeyPairName PageNumber:Integer PageSize:Integer !RegionId
    ResourceGroupId Tag.N.Key Tag.N.Value
  `,
  DescribeLockedSnapshots: `
    DryRun:Boolean LockStatus MaxResults:Integer NextToken !RegionId SnapshotIds.N
  `,
  DescribeNetworkInterfaces: `
    InstanceId Ipv6Address.N MaxResults:Integer NetworkInterfaceId.N NetworkInterfaceName NextToken
    PageNumber:Integer PageSize:Integer PrimaryIpAddress PrivateIpAddress.N !RegionId ResourceGroupId
    SecurityGroupId ServiceManaged:Boolean Status Tag.N.Key Tag.N.Value Type VSwitchId VpcId
  `,
  DescribeRegions: `
    AcceptLanguage InstanceChargeType ResourceType
  `,
  DescribeSecurityGroupAttribute: `
    Direction MaxResults:Integer NextToken NicType !RegionId !SecurityGroupId
  `,
  DescribeSecurityGroups: `
    DryRun:Boolean FuzzyQuery:Boolean IsQueryEcsCount:Boolean MaxResults:Integer NetworkType NextToken
    PageNumber:Integer PageSize:Integer !RegionId ResourceGroupId SecurityGroupId SecurityGroupIds
    SecurityGroupName SecurityGroupType ServiceManaged:Boolean Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value VpcId
  `,
  DescribeSnapshotGroups: `
    AdditionalAttributes.N InstanceId MaxResults:Integer Name NextToken !RegionId ResourceGroupId SnapshotGroupId.N
    Status.N Tag.N.Key Tag.N.Value
  `,
  DescribeSnapshotLinks: `
    DiskIds InstanceId MaxResults:Integer NextToken PageNumber:Integer PageSize:Integer !RegionId SnapshotLinkIds
  `,
  DescribeSnapshotMonitorData: `
    Category !EndTime Period:Integer !RegionId !StartTime
  `,
  DescribeSnapshotPackage: `
    PageNumber:Integer PageSize:Integer !RegionId
  `,
  DescribeSnapshots: `
    Category DiskId DryRun:Boolean Encrypted:Boolean Filter.N.Key Filter.N.Value InstanceId KMSKeyId
    MaxResults:Integer NextToken PageNumber:Integer PageSize:Integer !RegionId ResourceGroupId SnapshotIds
    SnapshotLinkId SnapshotName SnapshotType SourceDiskType Status Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value
    Usage
  `,
  DescribeSnapshotsUsage: `
    !RegionId
  `,
  DescribeTags: `
    Category PageNumber:Integer PageSize:Integer !RegionId ResourceId ResourceType Tag.N.Key Tag.N.Value Tag.N.key
    Tag.N.value
  `,
  DescribeTaskAttribute: `
    !RegionId !TaskId
  `,
  DescribeTasks: `
    EndTime PageNumber:Integer PageSize:Integer !RegionId ResourceIds.N StartTime TaskAction TaskGroupId TaskIds
    TaskStatus
  `,
  DescribeUserData: `
    !InstanceId !RegionId
  `,
  DescribeVSwitches: `
    IsDefault:Boolean PageNumber:Integer PageSize:Integer RegionId VSwitchId VpcId ZoneId
  `,
  DescribeVpcs: `
    IsDefault:Boolean PageNumber:Integer PageSize:Integer !RegionId VpcId
  `,
  DescribeZones: `
    AcceptLanguage InstanceChargeType !RegionId SpotStrategy Verbose:Boolean
  `,
  DetachDisk: `
    DeleteWithInstance:Boolean !DiskId !InstanceId
  `,
  ExportImage: `
    DryRun:Boolean ImageFormat !ImageId !OSSBucket OSSPrefix !RegionId RoleName
  `,
  ExportSnapshot: `
    !OssBucket !RegionId RoleName !SnapshotId
  `,
  ImportImage: `
    Architecture BootMode ClientToken Description DetectionStrategy DiskDeviceMapping.N.Device
    DiskDeviceMapping.N.DiskImSize:Integer DiskDeviceMapping.N.DiskImageSize:Integer DiskDeviceMapping.N.Format
    DiskDeviceMapping.N.OSSBucket DiskDeviceMapping.N.OSSObject DryRun:Boolean Features.*:Struct ImageName
    LicenseType OSType Platform !RegionId ResourceGroupId RoleName StorageLocationArn Tag.N.Key Tag.N.Value
  `,
  JoinResourceGroup: `
    RegionId ResourceGroupId ResourceId ResourceType
  `,
  ListTagResources: `
    NextToken !RegionId ResourceId.N !ResourceType Tag.N.Key Tag.N.Value TagFilter.N.TagKey TagFilter.N.TagValues.N
  `,
  LockSnapshot: `
    ClientToken !CoolOffPeriod:Integer DryRun:Boolean !LockDuration:Integer !LockMode !RegionId !SnapshotId
  `,
  ModifyAutoSnapshotPolicyEx: `
    CopiedSnapshotsRetentionDays:Integer CopyEncryptionConfiguration.*:Struct EnableCrossRegionCopy:Boolean
    TargetCopyRegions !autoSnapshotPolicyId autoSnapshotPolicyName !regionId repeatWeekdays retentionDays:Integer
    timePoints
  `,
  ModifyDiskAttribute: `
    BurstingEnabled:Boolean DeleteAutoSnapshot:Boolean DeleteWithInstance:Boolean Description DiskId DiskIds.N
    DiskName EnableAutoSnapshot:Boolean RegionId
  `,
  ModifyDiskChargeType: `
    AutoPay:Boolean ClientToken DiskChargeType !DiskIds !InstanceId !RegionId
  `,
  ModifyDiskSpec: `
    DestinationZoneId DiskCategory !DiskId DryRun:Boolean PerformanceControlOptions.*:Struct PerformanceLevel
    ProvisionedIops:Long
  `,
  ModifyImageAttribute: `
    BootMode Description DryRun:Boolean Features.*:Struct ImageFamily !ImageId ImageName LicenseType !RegionId
    Status
  `,
  ModifyImageSharePermission: `
    AddAccount.N DryRun:Boolean !ImageId IsPublic:Boolean LaunchPermission !RegionId RemoveAccount.N
  `,
  ModifyInstanceAttribute: `
    CpuOptions.Core:Integer CpuOptions.ThreadsPerCore:Integer CpuOptions.TopologyType CreditSpecification
    DeletionProtection:Boolean Description EnableJumboFrame:Boolean EnableNetworkEncryption:Boolean HostName
    !InstanceId InstanceName NetworkInterfaceQueueNumber:Integer Password PrivateDnsNameOptions.*:Struct
    Recyclable:Boolean RemoteConnectionOptions.*:Struct SecurityGroupIds.N UserData
  `,
  ModifyInstanceAutoRenewAttribute: `
    AutoRenew:Boolean Duration:Integer !InstanceId PeriodUnit !RegionId RenewalStatus
  `,
  ModifyInstanceChargeType: `
    AutoPay:Boolean ClientToken DryRun:Boolean IncludeDataDisks:Boolean InstanceChargeType !InstanceIds
    IsDetailFee:Boolean Period:Integer PeriodUnit !RegionId
  `,
  ModifySnapshotAttribute: `
    Description DisableInstantAccess:Boolean RetentionDays:Integer !SnapshotId SnapshotName
  `,
  ModifySnapshotCategory: `
    Category RetentionDays:Integer !SnapshotId
  `,
  ModifySnapshotGroup: `
    Description Name !RegionId !SnapshotGroupId
  `,
  OpenSnapshotService: `
    !RegionId
  `,
  ReInitDisk: `
    AutoStartInstance:Boolean !DiskId KeyPairName Password SecurityEnhancementStrategy
  `,
  RebootInstance: `
    DryRun:Boolean ForceStop:Boolean !InstanceId
  `,
  RebootInstances: `
    BatchOptimization DryRun:Boolean ForceReboot:Boolean !InstanceId.N !RegionId
  `,
  RemoveTags: `
    !RegionId !ResourceId !ResourceType Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value
  `,
  RenewInstance: `
    ClientToken ExpectedRenewDay:Integer !InstanceId Period:Integer PeriodUnit
  `,
  ReplaceSystemDisk: `
    Architecture Arn.N.AssumeRoleFor:Long Arn.N.RoleType Arn.N.Rolearn ClientToken DiskId EncryptAlgorithm
    Encrypted:Boolean ImageId !InstanceId KMSKeyId KeyPairName Password PasswordInherit:Boolean Platform
    SecurityEnhancementStrategy SystemDisk.Size:Integer UseAdditionalService:Boolean
  `,
  ResetDisk: `
    !DiskId DryRun:Boolean !SnapshotId
  `,
  ResetDisks: `
    !Disk.N.DiskId Disk.N.SnapshotId DryRun:Boolean !RegionId
  `,
  ResizeDisk: `
    ClientToken !DiskId !NewSize:Integer Type
  `,
  RunInstances: `
    Affinity Amount:Integer Arn.N.AssumeRoleFor:Long Arn.N.RoleType Arn.N.Rolearn AutoPay:Boolean AutoReleaseTime
    AutoRenew:Boolean AutoRenewPeriod:Integer ClientToken ClockOptions.*:Struct CpuOptions.Core:Integer
    CpuOptions.Numa CpuOptions.ThreadsPerCore:Integer CpuOptions.TopologyType CreditSpecification
    DataDisk.N.AutoSnapshotPolicyId DataDisk.N.BurstingEnabled:Boolean DataDisk.N.Category
    DataDisk.N.DeleteWithInstance:Boolean DataDisk.N.Description DataDisk.N.Device DataDisk.N.DiskName
    DataDisk.N.EncryptAlgorithm DataDisk.N.Encrypted DataDisk.N.KMSKeyId DataDisk.N.PerformanceLevel
    DataDisk.N.ProvisionedIops:Long DataDisk.N.Size:Integer DataDisk.N.SnapshotId DataDisk.N.StorageClusterId
    DedicatedHostId DeletionProtection:Boolean DeploymentSetGroupNo:Integer DeploymentSetId Description
    DryRun:Boolean HibernationOptions.Configured:Boolean HostName HostNames.N HpcClusterId HttpEndpoint
    HttpPutResponseHopLimit:Integer HttpTokens ImageFamily ImageId ImageOptions.*:Struct InstanceChargeType
    InstanceName InstanceType InternetChargeType InternetMaxBandwidthIn:Integer InternetMaxBandwidthOut:Integer
    IoOptimized Ipv6Address.N Ipv6AddressCount:Integer Isp KeyPairName LaunchTemplateId LaunchTemplateName
    LaunchTemplateVersion:Long MinAmount:Integer NetworkInterface.N.DeleteOnRelease:Boolean
    NetworkInterface.N.Description NetworkInterface.N.InstanceType NetworkInterface.N.Ipv6Address.N
    NetworkInterface.N.Ipv6AddressCount:Long NetworkInterface.N.NetworkCardIndex:Integer
    NetworkInterface.N.NetworkInterfaceId NetworkInterface.N.NetworkInterfaceName
    NetworkInterface.N.NetworkInterfaceTrafficMode NetworkInterface.N.PrimaryIpAddress
    NetworkInterface.N.QueueNumber:Integer NetworkInterface.N.QueuePairNumber:Long
    NetworkInterface.N.RxQueueSize:Integer NetworkInterface.N.SecondaryPrivateIpAddressCount:Integer
    NetworkInterface.N.SecurityGroupId NetworkInterface.N.SecurityGroupIds.N
    NetworkInterface.N.SourceDestCheck:Boolean NetworkInterface.N.TxQueueSize:Integer NetworkInterface.N.VSwitchId
    NetworkInterfaceQueueNumber:Integer NetworkOptions.*:Struct Password PasswordInherit:Boolean Period:Integer
    PeriodUnit PrivateDnsNameOptions.*:Struct PrivateIpAddress PrivatePoolOptions.Id
    PrivatePoolOptions.MatchCriteria RamRoleName !RegionId ResourceGroupId SchedulerOptions.DedicatedHostClusterId
    SecurityEnhancementStrategy SecurityGroupId SecurityGroupIds.N SecurityOptions.ConfidentialComputingMode
    SecurityOptions.TrustedSystemMode SpotDuration:Integer SpotInterruptionBehavior SpotPriceLimit:Float
    SpotStrategy StorageSetId StorageSetPartitionNumber:Integer SystemDisk.AutoSnapshotPolicyId SystemDisk.Category
    SystemDisk.Description SystemDisk.DiskName SystemDisk.PerformanceLevel SystemDisk.Size Tag.N.Key Tag.N.Value
    Tenancy UniqueSuffix:Boolean UserData VSwitchId ZoneId
  `,
  StartInstance: `
    DryRun:Boolean InitLocalDisk:Boolean !InstanceId
  `,
  StartInstances: `
    BatchOptimization DryRun:Boolean !InstanceId.N !RegionId
  `,
  StopInstance: `
    ConfirmStop:Boolean DryRun:Boolean ForceStop:Boolean Hibernate:Boolean !InstanceId StoppedMode
  `,
  StopInstances: `
    BatchOptimization DryRun:Boolean ForceStop:Boolean !InstanceId.N !RegionId StoppedMode
  `,
  TagResources: `
    !RegionId !ResourceId.N !ResourceType !Tag.N.Key !Tag.N.Value
  `,
  UnlockSnapshot: `
    ClientToken DryRun:Boolean !RegionId !SnapshotId
  `,
  UntagResources: `
    All:Boolean !RegionId !ResourceId.N !ResourceType TagKey.N
  `,
};
