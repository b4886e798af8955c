/**
 * Documented errors that this service never answers with, and why. A pattern is matched with `Action Code`; every documented
 * error is either here or produced by a case in `error-cases/`.
 */

export interface Unproduced {
  errors: RegExp;
  reason: string;
}

/** Codes of any action; `but` are of the same kind and produced all the same, `except` by that action (`Action Code`). */
const codes = (pattern: RegExp, reason: string, but = /(?!)/, except = /(?!)/): Unproduced => ({
  errors: new RegExp(`^(?!(?:${except.source})$)\\w+ (?!(?:${but.source})$)(?:${pattern.source})$`),
  reason,
});

export const unproducedErrors: readonly Unproduced[] = [
  codes(/InvalidOperation\.PolicyTypeUnsupported/, 'there are no policies of the system'),
  {
    errors: /^ApplyAutoSnapshotPolicy PartofDiskCategory\.OperationNotSupported$/,
    reason: 'every disk can have snapshots',
  },
  codes(
    /Account\.Arrearage|InsufficientBalance|InvalidAccountStatus\.NotEnoughBalance|InvalidPayMethod|PaymentMethodNotFound|DiskInArrears|LastOrderProcessing|InvalidInstance\.UnPaidOrder|RealNameAuthenticationError/,
    'nothing is billed, and arrears are what HupoLockAccount says',
    /(?!)/,
    /(Create(Disk|Instance|Snapshot|SnapshotGroup)|RunInstances|CopySnapshot|ResetDisks?|Modify(Instance|Disk)ChargeType) InvalidAccountStatus\.NotEnoughBalance|ModifyInstanceChargeType Account\.Arrearage|CreateDisk InvalidPayMethod|AttachDisk DiskInArrears/,
  ),
  codes(
    /ChargeTypeViolation|(?<!MonitorData )InvalidPeriod(Unit|Type)?(\.ValueNotSupported)?|InvalidAutoRenewPeriod.*|OperationDenied\.IllegalPaymentPolicy|Credit\.NotFound|InvalidInstanceType\.NotSupportCredit|InvalidInstanceStatus\.CreditSpecRestricted/,
    'every instance can have a subscription; nothing is paid',
    /(?!)/,
    /(RenewInstance|DeleteInstance|ModifyDiskChargeType|ModifyInstanceAutoRenewAttribute) ChargeTypeViolation|(CreateInstance|RunInstances|RenewInstance) InvalidPeriod|(CreateInstance|RenewInstance|ModifyInstanceAutoRenewAttribute) InvalidPeriodUnit\.ValueNotSupported|RunInstances InvalidPeriodType\.ValueNotSupported|(CreateInstance|RunInstances) InvalidAutoRenewPeriod\.ValueNotSupported/,
  ),
  codes(
    /.*Spot.*/,
    'nothing is billed, so there is no spot price; what asks for one is refused with the code of its first parameter',
    /Invalid\.?SpotStrategy/,
  ),
  codes(
    /.*(KMS|CMK|Kms).*|InvalidParameter\.Encrypted(Illegal)?|InvalidEncrypted\.NotMatchSnapshot|EncryptedOption\.Conflict|InvalidOperation\.UnfinishedEncryptedSnapshotCopy/,
    'there is no encryption yet; asking for it is refused with InvalidParameter.EncryptedNotSupported',
    /(?!)/,
    /(CopyImage|CreateAutoSnapshotPolicy) InvalidParameter\.EncryptedIllegal/,
  ),
  codes(/HibernationConfigured\.InstanceOperationForbidden/, 'instances cannot hibernate'),
  codes(
    /.*(IncorrectVSwitch|InvalidVSwitch\.|InvalidVSwitchId\.(IpInvalid|Necessary|NotExist)|Vswitch|Vpc|VPC|VlanId|NoVlan|Eni(?!w)|Ipv[46]|IpAddress|InvalidIp|IPAddress|RouteEntry|SLBConfiguring|NetworkInterface|ElasticNetworkInterface|InconsistentNetwork|InvalidNetworkType\.(Mismatch|NotSupported)\w*|OperationDenied\.InvalidNetworkType|Bandwidth|InternetMaxBandwidth|QueueNumber|SecurityGroupInstanceLimit|InstanceNotInSecurityGroup|NotInDefaultVpc|JoinedGroupLimit|MutliGroupType|InvalidSecurityGroupId$).*/,
    'there is one network, whose machines its user runs: nothing is assigned, moved or counted in it',
    /InvalidOperation\.Ipv6NotSupport|InvalidVSwitchId\.NotFound|InvalidNetworkType\.NotFound|InvalidFilterValue\.NetworkType/,
  ),
  codes(
    /.*(LaunchTemplate|DedicatedHost|DedidactedHost|DeploymentSet|DeploymentOnHost|NodeController|PrivatePoolOptions|HpcCluster|ClusterId|Tenancy|RecycleBin|RelationResource).*/,
    'there are no launch templates, dedicated hosts, deployment sets, clusters or reserved capacity',
    /InvalidDedicatedHostId\.NotFound|DeploymentSet\.NotFound|InvalidHpcClusterId\.NotFound|InvalidParam\.Tenancy|InvalidLaunchTemplate\.NotFound|InvalidStorageClusterId\.NotExist/,
  ),
  codes(
    /Forb(b?id)den.*|Forbbiden|InvalidDiskCategory\.ValueUnauthorized|InvalidSystemDiskCategory\.ValueUnauthorized|InvalidInstanceType\.ValueUnauthorized|Unauthorized\.EmptyRegion|UserNotInTheWhiteList|InvalidUser\..*|NoPermission\..*|PermissionDenied\..*|.*(NotInWhiteList|PassRoleForbidden|ResourceControl|TagOwnerUid|TagOwnerBid|Scope)|InvalidRamRole\.NotEcsRole|RegionUnauthorized|InvalidAction\.Unauthorized/,
    'what a policy does not allow is refused with Forbidden.RAM alone; there are no shared owners',
  ),
  codes(/SecurityRisk\..*/, 'nothing looks for risks'),
  { errors: /^DeleteInstances? InstanceLockedForSecurity$/, reason: 'an instance that is locked can be deleted' },
  codes(/InvalidAccountStatus\.SnapshotServiceUnavailable/, 'the snapshot service is always open'),
  codes(
    /.*(MarketImage|InMarket|ImageNotSubscribed|BuyImage|SharedImage|DeleteSharedSnapshot|LockSharedSnapshot|ImageIsPublic\b.*Export).*/,
    'images and snapshots are not sold, and shared with nobody who is here',
  ),
  {
    errors:
      /^CopySnapshot (InvalidOperation\.(Conflict|NotSupportCopyInSameRegion|Unauthorized|UnfinishedCrossRegionCopy)|InvalidParameter\.Arns|InvalidSnapshotCategory\.NotSupport(CrossRegion|Encrypted)Copy|InvalidEncrypted\.NotSupportDecrypt|OperationDenied\.(NonCompliantDestinationRegion|SnapshotCategoryNotSupportCopy))$/,
    reason: 'snapshots can be copied to every region of the server, within their own, and several at a time',
  },
  {
    errors:
      /^CopyImage (IncorrectDestinationRegion|InvalidSnapshotId\.NotFound|OperationDe(in|ni)ed\.(EncryptedSnapshot|ImageCopying|NotPublished|SameRegionOnly)|RegionNotSupportCopy|SizeExceed\.Image|SourceRegion\.NotFound|InvalidAliUid\.IsNull)$/,
    reason: 'images can be copied to every region of the server, within their own, and several at a time',
  },
  { errors: /^CancelCopyImage InvalidDescription\.Malformed$/, reason: 'the action has no such parameter' },
  codes(/CancelTaskFailed/, 'a task that is asked to end does'),
  codes(/NoSetRoletoECSServiceAcount/, 'there are no roles'),
  {
    errors:
      /^(ImportImage (ImageIsImporting|IncorrectImageStatus|InvalidLicenseType\..*|RegionId\.NotFound)|ExportImage (ImageId\.NotFound|InvalidImage(Name\.Malformed|\.DiskAmountOrSize|License\.NotSupported)|OperationDenied(\.ImageExporting)?|OssBucket\.NotFound|OssPrefix\.Malformed|RegionId\.NotFound))$/,
    reason: 'another documented code of the action says the same, or it is about something that has no effect',
  },
  {
    errors: /^(ImportImage|ExportImage) InvalidOSSBucket\.NotMatched$/,
    reason: 'a bucket is a folder of this server: all are of its region',
  },
  codes(/(Concurrent|Weekly)QuotaExceed\.ExportImage/, 'there are no such limits'),
  codes(
    /(?!CloudBox).*(InstantAccess|DefaultFreeSnapshot|LocalDiskUnsupported).*/,
    'there are no snapshots with instant access, and no local disks',
    /InvalidInstantAccessRetentionDays\.Malformed/,
  ),
  codes(
    /.*(NoStock|LackResource|Zone\.NotOnSale|Zone\.NotOpen|InstanceType\.Offline|ZoneNotSupported|ZoneNotAllowed|ZoneId\.DiskCategoryUnsupported|ElasticQuota|QuotaExceeded|OperationDenied\.QuotaExceed|PortableCloudDisk|PostPaidDisk|AfterpayInstance|DiskCategoryLimitExceed|ZoneSystemCategoryNotMatch|InnerServiceFailed|CreatingConflict)$/,
    'nothing is sold out and there are no such quotas: what a zone has, every zone has',
  ),
  codes(
    /.*(MultiAttach|EnableShared).*/,
    'a disk is attached to one instance at a time; MultiAttach is refused',
    /InvalidParameter\.MultiAttach/,
  ),
  codes(
    /InternalError|ServiceUnavailable|LimitedOperation\.ServiceUnavailable|DiskError/,
    'failures of the service: `src/api/errors.test.ts` shows when they come',
  ),
  codes(/Throttling/, 'requests are not limited in number'),
  codes(
    /CloudBox.*|.*(ResourceManagedByCloudProduct|StorageLocationArn)/,
    'there are no cloud boxes, and no products that own resources',
  ),
  {
    errors: /^(CreateInstance|RunInstances) InvalidInternetChargeType\.ValueNotSupported$/,
    reason: 'InternetChargeType has no effect: the network is the user\u2019s own',
  },
  codes(
    /InvalidDiskCategory\.(Mismatch|ValueNotSupported|CreateImage)|CategoryNotSupported|CategoryViolation|InvalidDiskSizeOrCategory|InvalidInstanceType\.(NotSupportDiskCategory|NotSupportPL0|NvmeRequired|NvmeUnsupported|NotSupported)|IncorrectInstanceStatus\.NotSupportESSD|InvalidOperation\.(InstanceTypeNotSupport|DiskCategoryUnsupported)|InvalidRegion\.NotSupport|InvalidStatus\.Upgrading|OperationDenied\.DiskTypeNotSupport|IncorrectDiskType\.NotSupport|InvalidDiskSize\.NotSupportResizeOnline|InvalidSystemDiskSize\.ImageNotSupportResize|DependencyViolation\.(IoOptimized?|WindowsInstance)|ImageNotSupportCloudInit|InvalidIoOptimize(dValue)?\.ValueNotSupported/,
    'every kind of disk works with every instance, image and zone',
    /(?!)/,
    /ModifyDiskSpec InvalidDiskCategory\.ValueNotSupported/,
  ),
  codes(
    /InvalidSnapshot\.TooOld|InvalidSnapshot\.TooLarge|InvalidSnapshotId\.BasedSnapshotTooOld|OperationDenied\.(InvalidSnapshotCategory|SnapshotNotAllowed|SnapshotNotValid|SnapshotParamsNotValid)|InvalidOperation\.CreateFromSnapshotUnsupported/,
    'every accomplished snapshot can be used, and needs no other snapshot',
  ),
  codes(
    /DiskNotPortable|DeleteWithInstance\.Conflict|DiskTypeViolation|InvalidDiskIds\.NotPortable|InvalidInstance\.ImageCategory|InvalidDiskStatus\.DeleteProtection|InvalidDiskId\.Released/,
    'there are no ephemeral or protected disks, and what is paid with an instance is attached to it',
    /(?!)/,
    /(DetachDisk|DeleteDisk|ModifyDiskAttribute) DiskNotPortable|ModifyDiskChargeType InvalidDiskIds\.NotPortable/,
  ),
  codes(
    /InvalidRegionId(\.MalFormed)?|InvalidParam\.RegionId|MissingParameter\.RegionId|MissingParamter\.RegionId|InvalidRegion\.NotFound|InvalidOperation\.InvalidRegion/,
    'RegionId may be left out; one of another region is InvalidRegionId.NotFound',
  ),
  codes(
    /InvalidVolumeId\.NotFound|IncorrectVolumeStatus|IncorrectDiskStatus\.(Invalid|Transferring)|Disk\.NotFound|HOSTNAME_ILLEGAL|InvalidDiskSize|InvalidDisk\.SystemDiskSize|InvalidSystemDiskSize|MissingParamter|IncompleteParamter|ZoneId\.NotFound|InvalidHostPassword\.Malformed|DISK_HAS_CREATING_SNAPSHOT|DiskStillAttached|DiskAttachedNumberExceeded|QuotaExceed\.SnapshotQuota|InvalidInstance\.ZoneConflict|InvalidDiskId\.OperationNotSupported|InvalidDisk\.InUse|InvalidParam\.(Amount|ZoneIdAndInstanceId\.Conflict)|InvalidParameter\.(NotMatch|ResourceOwnerAccount|DiskIds)|DiskId\.(StatusNotSupported|ValueNotSupported)|InvalidDiskIds\.ValueNotSupported|InvalidOperation\.InvalidEcsState|InstanceNotReady|SnapshotNotReady|TooManySnapshot\.Unfinished|InvalidInstanceId\.(ValueNotSupported|NotSupport)|InvalidResourceType\.NotSupported|InstanceDiskNumLimitExceed|InvalidOperation\.OtherInstanceUnsupported|InstanceType\.ParameterMismatch|OperationDenied\.SystemInstanceNotSupport|InvalidParamter\.Conflict/,
    'another documented code of the action says the same',
    /(?!)/,
    /CopySnapshot QuotaExceed\.SnapshotQuota|CreateDisk InvalidParam\.ZoneIdAndInstanceId\.Conflict|RenewInstance MissingParamter/,
  ),
  codes(
    /InvalidPasswordParam\.Mismatch|InvalidHttpPutResponseHopLimit\.NotSupported|LoginAsNonRoot\.ImageNotSupport|InvalidBurstingEnabled\.DiskSizeTooSmall|BurstingEnabledForModifyingDiskUnsupported|InvalidProvisionedIops\.LimitExceed|IncorrectInstanceStatus\.NeedRestart|ResourceNotAvailable/,
    'it is a detail of something that is refused as a whole, or has no effect',
  ),
  codes(
    /IdempotentProcessing|LastTokenProcessing|OperationConflict\.DisksAttachingParallellyExceed|DisksDetachingOnEcsExceeded|QuotaExceed\.Image|QuotaExceed\.DiskCapacity/,
    'there is no such limit: requests wait for each other, and the space of the host is the only quota',
  ),
  {
    errors:
      /^((TagResources|UntagResources|ListTagResources|RunInstances) (InvalidTag\.Mismatch|InvalidTagCount)|AddTags InvalidTag\.Mismatch)$/,
    reason: 'another documented code of the action says the same',
  },
  {
    errors: /^ReplaceSystemDisk (INST_HAS_UNPAID_ORDER|OperationDenied\.UnpaidOrder)$/,
    reason: 'nothing is billed',
  },
  {
    errors:
      /^ReplaceSystemDisk (Invalid(Architecture|Platform)\.Malformed|MissingParameter\.(Architecture|Platform)|InvalidDiskId\.NotFound)$/,
    reason: 'the parameter is deprecated and has no effect',
  },
  {
    errors:
      /^ReplaceSystemDisk (InvalidDatadisk\.Disk\w+Violation|InvalidSystemDiskStatus\.IsTransfering|IoOptimized\.NotSupported|NoSuchResource|ResourcesNotInSameZone)$/,
    reason: 'every kind of disk works with every instance and image of the region',
  },
  {
    errors: /^ReplaceSystemDisk (InvalidParameter\.(AllEmpty|Conflict)|OperationDenied)$/,
    reason: 'another documented code of the action says the same',
  },
  {
    errors:
      /^ModifySnapshotCategory (InvalidOperation\.(ArchiveCloudBoxSnapshotUnsupported|ArchiveSharedSnapshotUnsupported|EncryptedSnapshotUnsupport)|InvalidRetentionDays\.LessThanLockExpiredTime)$/,
    reason: 'there are no cloud boxes, and snapshots are neither shared, encrypted nor locked',
  },
  {
    errors: /^ModifySnapshotCategory QuotaExceed\.ConcurrentArchiveSnapshotQuota$/,
    reason: 'archiving takes no time: no two are at once',
  },
  { errors: /^DescribeTasks MissingParameter$/, reason: 'no parameter must be given: RegionId may be left out' },
  { errors: /^TagResources QuotaExceed\.Tags$/, reason: 'OperationDenied.QuotaExceed says the same' },
  {
    errors: /^UntagResources InvalidTagValue\.Malformed$/,
    reason: 'tags are removed by their keys alone',
  },
  {
    errors: /^ListTagResources InvalidResourceId\.(NotFound|NotSupported)$/,
    reason: 'what is not there has no tags: the list is empty',
  },
  {
    errors:
      /^(ModifyDiskAttribute|ModifyInstanceAttribute) (IncorrectDiskStatus|IncorrectInstanceStatus|InvalidInstanceStatus\.NotRunning|OperationDenied)$/,
    reason: 'names, descriptions and flags can be changed in every state',
  },
  {
    errors: /^(ModifyDiskAttribute|ModifyDiskSpec|CreateSnapshot|ResizeDisk|ResetDisks?) InvalidInstanceId\.NotFound$/,
    reason: 'the disk says which instance it is attached to',
  },
  {
    errors: /^ModifyDiskAttribute QuotaExceed\.Snapshot$/,
    reason: 'it has no snapshots made: a policy does, and its oldest one goes at the quota',
  },
  {
    errors: /^(Start|Stop)Instances InvalidInstanceIds\.NotFound$/,
    reason: 'another documented code of the action says the same',
  },
  {
    errors: /^(Start|Stop)Instances InvalidOperation\.Conflict$/,
    reason: 'IncorrectInstanceStatus says the same of an instance that is being started or stopped',
  },
  {
    errors: /^(ModifySnapshotAttribute|DeleteSnapshot) (IncorrectDiskStatus\.CreatingSnapshot|Operation\.Conflict)$/,
    reason:
      'a snapshot that is being made is cancelled by DeleteSnapshot, and is InvalidSnapshotId.NotReady for a change',
  },
  { errors: /^ResetDisks? Operation\.Conflict$/, reason: 'another documented code of the action says the same' },
  {
    errors: /^ModifyDiskSpec (DiskHasFlashSnapshot|Downgrade\.NotSupported)$/,
    reason: 'there are no local snapshots, and every category but basic disks can become every other',
  },
  {
    errors: /^ModifyDiskSpec (InvalidStatus\.DiskNotReady|OperationDenied)$/,
    reason: 'another documented code of the action says the same',
  },
  {
    errors: /^(CreateDisk|CreateInstance|RunInstances|ReInitDisk|ResetDisks?|ResizeDisk) OperationDenied$/,
    reason: 'it names no cause; a more exact documented code is given',
  },
  {
    errors: /^ReInitDisk InvalidImageId\.NotFound$/,
    reason: 'an image that was deleted stays for the disks that were made from it',
  },
  {
    errors:
      /^(AttachDisk InvalidParameter\.(AllEmpty|DeleteWithInstance)|DetachDisk InvalidParameter|CreateImage InvalidParameter\.AllEmpty)$/,
    reason: 'another documented code of the action says the same',
  },
  {
    errors:
      /^ResizeDisk (InvalidDataDiskCategory\.ValueNotSupported|InvalidParameter\.Conflict|InvalidSystemDiskSize\.ValueNotSupported)$/,
    reason: 'every disk can grow, and its kind has one range of sizes (InvalidDiskSize.TooLarge)',
  },
  {
    errors: /^(?!ModifyDiskSpec )\w+ InvalidDiskCategory\.NotSupported$/,
    reason: 'the code of the parameter says it first',
  },
  {
    errors:
      /^(CreateInstance|RunInstances) (ResourcesNotInSameZone|IncorrectInstanceStatus|InvalidPassword\.Malformed)$/,
    reason: 'it is about what is refused or not there',
  },
  {
    errors:
      /^RunInstances (InvalidAutoReleaseTime\.Malformed|InvalidParams\.(Hostname|InstanceName)Exceed|InvalidResourceId\.NotSupported|InvalidSnapshotId\.NotFound)$/,
    reason: 'another documented code of the action says the same',
  },
  {
    errors: /^DescribeDisks (InvalidParamter|InvalidSnapshot\.NotFound)$/,
    reason: 'a filter that matches nothing gives an empty list',
  },
  {
    errors: /^DescribeNetworkInterfaces Invalid(Ecs|VSwitch|SecurityGroup)Id\.NotFound$/,
    reason: 'a filter that matches nothing gives an empty list',
  },
  {
    errors:
      /^DescribeNetworkInterfaces (Abs\.InvalidAccount\.NotFound|InvalidUserType\.NotSupported|UnsupportedParameter|InvalidInstanceID\.Malformed|InvalidOperation\.AvailabilityZoneMismatch)$/,
    reason: 'it is about changing interfaces, or about accounts; every action on interfaces documents it',
  },
  {
    errors: /^Describe(InstanceMaintenanceAttributes|InstanceHistoryEvents|NetworkInterfaces) MissingParameter$/,
    reason: 'nothing must be given',
  },
  {
    errors: /^DescribeInstanceHistoryEvents (EventIdLimitExceeded|InvalidParameter\.TimeEndBeforeStart)$/,
    reason: 'there are no system events, whatever is asked for',
  },
  {
    errors: /^DescribeImageSupportInstanceTypes (InvalidUsage|InvalidInstanceType\.ValueNotSupported)$/,
    reason: 'the action has no such parameter',
  },
  {
    errors: /^DescribeSecurityGroupAttribute InvalidSecurityGroupId\.Malformed$/,
    reason: 'another documented code of the action says the same',
  },
  codes(/InvalidUserData\.(Forbidden|NotSupported)/, 'every instance may have user data'),
  {
    errors:
      /^DescribeAvailableResource (Invalid\.(NetworkType|RegionId)|Unavailable\.Regions|InvalidResourceId\.NotFound)$/,
    reason: 'another documented code of the action says the same, and what is not offered is not listed',
  },
  {
    errors: /^JoinResourceGroup InvalidResourceGroup\.Duplicate$/,
    reason: 'joining the group that a resource is in changes nothing',
  },
  {
    errors:
      /^CreateDisk (InvalidDiskSize\.TooSmall|InvalidSize\.ValueNotSupported|InvalidParameter\.Conflict|InvalidSnapshotId\.NotReady)$/,
    reason: 'another documented code of the action says the same',
  },
  {
    errors: /^CreateDisk InvalidInstance\.NotFoundSystemDisk$/,
    reason: 'a subscription has its system disk, which cannot be detached',
  },
  {
    errors:
      /^RenewInstance (DependencyViolation\.InstanceType|Diskcategory\.Mismatch|InstanceSpecModification\.NotEffective|InstanceTypeNotSupported|InvalidDisk\.NotAllowed|InvalidDiskId\.NotFound|InvalidInstanceType\.(ValueNotSupported|codeUnauthorized)|InvalidDedicatedHostId\.NotFound|InvalidInternetChargeType\.\w+|InvalidParameter|InvalidRebootTime\.ValueNotSupported|Upgrade\.NotSupported|OperationDenied)$/,
    reason:
      'it is about changing the machine, its disks or its network with the renewal, for which there are no parameters',
  },
  {
    errors:
      /^(RenewInstance|ModifyInstanceAutoRenewAttribute) InvalidPeriod\.StarterPackage$|^RenewInstance (Instance\.UnPaidOrder|InvalidInstanceChargeType\.NotFound)$/,
    reason: 'nothing is sold',
  },
  {
    errors: /^RenewInstance (Idempotence\.Processing|IdempotenceParamNotMatch|InvalidChargeType\.NotSupported)$/,
    reason: 'another documented code of the action, or the gateway’s for tokens, says the same',
  },
  {
    errors:
      /^ModifyInstanceChargeType (ImageNotSupportInstanceType|InvalidAction|InvalidImageType\.NotSupported|InvalidInstanceType\.\w+|InvalidInternetChargeType\.ValueNotSupported|InvalidSystemDiskCategory\.ValueNotSupported|ReleaseTimeHaveBeenSet)$/,
    reason: 'every instance can have a subscription, whatever it is',
  },
  {
    errors: /^ModifyInstanceChargeType ExpiredInstance$/,
    reason: 'one whose subscription is over can be made PostPaid, which takes its lock off',
  },
  {
    errors:
      /^ModifyDiskChargeType (InstanceDowngrade\.QuotaExceed|InvalidAction\.\w+|InvalidDataDiskSize\.ValueNotSupported|InvalidInstanceType\.ValueNotSupported|InvalidInstance\.PurchaseNotFound|InvalidRamRole\.NotFound|OrderCreationFailed)$/,
    reason: 'there are no orders, and every data disk can be changed as often as one likes',
  },
  {
    errors:
      /^ModifyDiskChargeType (Idempotence\.SignatureMismatch|InvalidInstanceId\.(NOT_FOUND|Released)|MissingParameter\.InstanceIdNotSupported)$/,
    reason: 'another documented code of the action, or the gateway’s, says the same',
  },
  {
    errors:
      /^DescribeInstanceAutoRenewAttribute (IncorrectInstanceStatus|MissingParameter\.InstanceId|InvalidParameter\.RenewalStatusInstanceId)$/,
    reason: 'nothing must be given, and instances that are PostPaid are not in the list',
  },
  {
    errors: /^(CreateInstance|RunInstances) InvalidInstanceChargeType\.NotSupport$/,
    reason: 'both charge types are there',
  },
  {
    errors: /^CreateDisk InvalidSnapshotId\.NotDataDiskSnapshot$/,
    reason: 'a disk can be made from a snapshot of a system disk too',
  },
  {
    errors: /^CreateInstance OperationDenied\.ImageNotValid$/,
    reason: 'another documented code of the action says the same',
  },
  {
    errors:
      /^CreateSnapshotGroup (InvalidDescription\.Malformed|InvalidSnapshotName\.Malformed|InvalidDisk\.DiskCategoryInconsistent|IncorrectDiskStatus\.TooManyCreatingSnapshots)$/,
    reason: 'another documented code of the action says the same',
  },
  {
    errors: /^CreateSnapshotGroup (InvalidRetentionDays\.Malformed|InvalidSnapshotCategory\.Malformed)$/,
    reason: 'the action has no such parameter',
  },
  { errors: /^CreateSnapshotGroup InvalidDisk\.ShareVolume$/, reason: 'a disk is attached to one instance at a time' },
  {
    errors: /^(?!CreateSnapshotGroup )\w+ DiskCategory\.OperationNotSupported$/,
    reason: 'every kind of disk works with every instance, image and zone',
  },
  {
    errors: /^\w+SnapshotGroups? InvalidRegionId\.NotFound$/,
    reason: 'the gateway says it of every action',
  },
  {
    errors:
      /^DescribeSnapshotGroups (InvalidInstanceId\.NotFound|InvalidSnapshotGroupId\.MustBeOne|Duplicate\.TagKey)$/,
    reason: 'a filter that matches nothing gives an empty list, and one may name several groups and tags',
  },
];
