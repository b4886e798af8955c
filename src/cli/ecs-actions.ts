/** What each action that is built does, in one line, in the groups that `hupo ecs --help` shows. */

export interface ActionGroup {
  title: string;
  /** Action → what it does. */
  actions: Readonly<Record<string, string>>;
}

export const actionGroups: readonly ActionGroup[] = [
  {
    title: 'Snapshots',
    actions: {
      CreateSnapshot: 'take a snapshot of a disk, as it is at this moment',
      DescribeSnapshots: 'list snapshots, with how far each is stored',
      ModifySnapshotAttribute: 'rename or describe a snapshot',
      CopySnapshot: 'copy a snapshot to another region, or within its own',
      ExportSnapshot: 'write a snapshot to a file in a folder of the server',
      ModifySnapshotCategory: 'archive a snapshot, or bring it back',
      DeleteSnapshot: 'delete a snapshot; space that only it held comes back',
      CreateSnapshotGroup: 'take snapshots of several disks, all as they are at one moment',
      DescribeSnapshotGroups: 'list groups of snapshots, with how far each is stored',
      ModifySnapshotGroup: 'rename or describe a group of snapshots',
      DeleteSnapshotGroup: 'delete a group and its snapshots, but those that images are made from',
      LockSnapshot: 'keep a snapshot from being deleted by anybody, for so many days',
      UnlockSnapshot: 'take a lock away again, while its cool-off period lasts',
      DescribeLockedSnapshots: 'list locks, with when each ends',
      DescribeSnapshotLinks: 'list the chains of snapshots, one a disk, with what each takes',
      DescribeSnapshotsUsage: 'how many snapshots there are, and what they take',
      DescribeSnapshotMonitorData: 'what all snapshots took, over time',
      DescribeSnapshotPackage: 'storage plans that were bought: there are none',
      OpenSnapshotService: 'does nothing, for the service is always open',
    },
  },
  {
    title: 'Disks',
    actions: {
      CreateDisk: 'make a data disk, empty or with the bytes of a snapshot',
      DescribeDisks: 'list disks, with where each is served (NbdUri)',
      AttachDisk: 'attach a data disk to an instance',
      DetachDisk: 'detach a data disk from its instance',
      ResetDisk: 'roll a disk back to one of its snapshots',
      ReInitDisk: 'set a disk back to how it was made',
      ResetDisks: 'roll disks back to the snapshots of one group; their instances are stopped',
      ReplaceSystemDisk: 'give an instance a new system disk, made from an image',
      ResizeDisk: 'make a disk larger',
      ModifyDiskAttribute: 'rename a disk, or change what becomes of it with its instance',
      ModifyDiskSpec: 'change the category or the performance level of a disk',
      ModifyDiskChargeType: 'make data disks of a subscription part of it, or PostPaid again',
      DeleteDisk: 'delete a disk that is not attached',
      DescribeDiskMonitorData: 'throughput, operations and latency of a disk, over time',
    },
  },
  {
    title: 'Instances',
    actions: {
      RunInstances: 'make instances with their disks, and start them',
      CreateInstance: 'make one instance with its disks, without starting it',
      DescribeInstances: 'list instances',
      DescribeInstanceStatus: 'list instances with nothing but their status',
      DescribeInstanceAttribute: 'show one instance',
      DescribeUserData: 'show the user data of an instance',
      DescribeInstanceRamRole: 'list the roles of instances: none has one',
      DescribeInstanceMaintenanceAttributes: 'list what becomes of instances when their host is maintained',
      DescribeInstanceAttachmentAttributes: 'list the private pools of instances: there are none',
      DescribeInstanceHistoryEvents: 'list system events: there are none',
      RenewInstance: 'renew a subscription',
      ModifyInstanceChargeType: 'give instances a subscription, or make them PostPaid again',
      ModifyInstanceAutoRenewAttribute: 'say whether subscriptions renew themselves, and by what',
      DescribeInstanceAutoRenewAttribute: 'list how subscriptions are renewed',
      DescribeKeyPairs: 'list key pairs: there are none',
      ModifyInstanceAttribute: 'rename an instance or change its attributes',
      StartInstance: 'start an instance: its disks are served',
      StartInstances: 'start several instances',
      StopInstance: 'stop an instance',
      StopInstances: 'stop several instances',
      RebootInstance: 'restart an instance',
      RebootInstances: 'restart several instances',
      DeleteInstance: 'delete an instance, and the disks that go with it',
      DeleteInstances: 'delete several instances',
    },
  },
  {
    title: 'Network',
    actions: {
      DescribeVpcs: 'list the VPC: there is one',
      DescribeVSwitches: 'list the vSwitches, one a zone',
      DescribeSecurityGroups: 'list the security group: there is one',
      DescribeSecurityGroupAttribute: 'show its rules',
      DescribeNetworkInterfaces: 'list the network interface of each instance',
      DescribeEipAddresses: 'list public addresses: there are none',
    },
  },
  {
    title: 'Automatic snapshots',
    actions: {
      CreateAutoSnapshotPolicy: 'make a policy: when snapshots are made by themselves, and how long they are kept',
      ModifyAutoSnapshotPolicyEx: 'change a policy, at once for all its disks',
      DeleteAutoSnapshotPolicy: 'delete a policy; what it has made stays',
      DescribeAutoSnapshotPolicyEx: 'list policies',
      ApplyAutoSnapshotPolicy: 'apply a policy to disks',
      CancelAutoSnapshotPolicy: 'take a policy from disks',
      DescribeAutoSnapshotPolicyAssociations: 'list which policy is applied to which disk',
      HupoPreviewPolicy: 'show the next runs of a policy, and what retention will delete by then',
      HupoDescribePolicyRuns: 'list what runs of policies did with each disk',
      HupoApproveRetention: 'agree to what retention holds back',
    },
  },
  {
    title: 'Usage and cost',
    actions: { HupoDescribeSnapshotCost: 'tell what snapshots took and cost, by disk or tag, and month, day or hour' },
  },
  {
    title: 'Images',
    actions: {
      DescribeImages: 'list images',
      DescribeImageSupportInstanceTypes: 'list the instance types that can start an image',
      DescribeImageFromFamily: 'show the newest image of a family',
      CreateImage: 'make a custom image from a snapshot, an instance or several snapshots',
      ImportImage: 'make a custom image from files in a folder of the server',
      ExportImage: 'write the disks of a custom image to files in a folder of the server',
      CopyImage: 'copy a custom image to another region, or within its own',
      CancelCopyImage: 'cancel the copying of an image',
      ModifyImageAttribute: 'rename or describe a custom image',
      ModifyImageSharePermission: 'note with whom an image is shared',
      DescribeImageSharePermission: 'list with whom an image is shared',
      DeleteImage: 'delete a custom image',
    },
  },
  {
    title: 'Tags and groups',
    actions: {
      JoinResourceGroup: 'put a resource into a resource group',
      TagResources: 'put tags on resources',
      UntagResources: 'take tags off resources',
      ListTagResources: 'list which resources have which tags',
      AddTags: 'put tags on one resource (older form)',
      RemoveTags: 'take tags off one resource (older form)',
      DescribeTags: 'list tags (older form)',
    },
  },
  {
    title: 'Tasks',
    actions: {
      DescribeTasks: 'list tasks: what goes on after its request was answered',
      DescribeTaskAttribute: 'show one task, with how far it is and what it made',
      CancelTask: 'cancel a task that imports or exports',
    },
  },
  {
    title: 'Where and what',
    actions: {
      DescribeRegions: 'list the regions of this server',
      DescribeZones: 'list its zones',
      DescribeInstanceTypes: 'list instance types',
      DescribeAvailableResource: 'list what can be made in each zone: disk categories with their sizes, instance types',
    },
  },
  {
    title: "Hupo's own: the recycle bin",
    actions: {
      HupoDescribeRecycleBin: 'list deleted snapshots and disks that can be restored, and until when',
      HupoRestoreFromRecycleBin: 'restore deleted snapshots and disks as they were',
      HupoDeleteFromRecycleBin: 'delete them for good; their space comes back',
    },
  },
  {
    title: "Hupo's own: locks of instances",
    actions: {
      HupoLockInstance: 'keep an instance as it is, for it has expired or is unsafe; release it later',
      HupoUnlockInstance: 'take that away again',
    },
  },
  {
    title: "Hupo's own: the account",
    actions: {
      HupoDescribeAccount: 'show whether the account is in arrears, and when what is deleted',
      HupoLockAccount: 'say that it is: the snapshot service stops, and what is PostPaid is locked',
      HupoUnlockAccount: 'take that away again',
    },
  },
  {
    title: "Hupo's own, about events",
    actions: {
      HupoDescribeEvents: 'list what happened, and wait for what happens next',
      HupoCreateEventSubscription: 'tell events to a URL from now on',
      HupoDescribeEventSubscriptions: 'list whom events are told to, and whether they take them',
      HupoDeleteEventSubscription: 'tell no more events to a URL',
      HupoTestEventSubscription: 'send a test to a URL that events are told to',
    },
  },
  {
    title: "Hupo's own, for `hupo disk import`",
    actions: {
      HupoBeginImport: 'make a disk that a local program fills over NBD',
      HupoCompleteImport: 'say that the disk is filled',
    },
  },
];

/** The names of all actions that are built. */
export const actionNames: readonly string[] = actionGroups.flatMap(({ actions }) => Object.keys(actions));

export function describeAction(name: string): string | undefined {
  return actionGroups.find(({ actions }) => Object.hasOwn(actions, name))?.actions[name];
}
