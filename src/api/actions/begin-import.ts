/**
 * HupoBeginImport, an extension: a new disk whose NbdUri a local importer fills. Takes CreateDisk's parameters without
 * SnapshotId and ClientToken, which make no sense for it.
 */
import { defineAction } from '../action.ts';
import { notBuilt, required, text } from '../parameters.ts';
import { createDiskParameters, createDiskRequestOf } from './create-disk.ts';

export const beginImport = defineAction({
  name: 'HupoBeginImport',
  parameters: {
    ...createDiskParameters,
    ZoneId: required(text()),
    InstanceId: notBuilt('an imported disk is attached to nothing'),
    SnapshotId: notBuilt('an imported disk starts empty'),
    ClientToken: notBuilt('an import belongs to the one who began it and cannot be repeated'),
  },
  run: async (values, { control, region, options }) => {
    const request = createDiskRequestOf(values, region);
    const { diskId, nbdUri } = await control.beginImport(request, options({ dryRun: values.DryRun }));
    return { DiskId: diskId, NbdUri: nbdUri };
  },
});
