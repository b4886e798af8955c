/** ModifyImageAttribute (`ecs-api.md` 2.5). A parameter that is absent or blank leaves what it is about as it is. */
import { bootModes } from '../../ecs/image-platforms.ts';
import { findImageNameProblem } from '../../ecs/image-rules.ts';
import { imdsSupport, nvmeSupport } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { group, noEffect, oneOf, required, text } from '../parameters.ts';
import { description, dryRun } from '../resource-parameters.ts';

const SETTABLE_STATUSES = ['Deprecated', 'Available'] as const;

export const modifyImageAttribute = defineAction({
  name: 'ModifyImageAttribute',
  parameters: {
    ImageId: required(text()),
    ImageName: text('InvalidImageName.Malformed', findImageNameProblem),
    Description: description,
    ImageFamily: text('InvalidImageFamily.Malformed', findImageNameProblem),
    BootMode: oneOf(bootModes),
    Status: oneOf(SETTABLE_STATUSES),
    LicenseType: noEffect('licences are between the system in the image and its owner'),
    Features: group({
      ImdsSupport: imdsSupport,
      NvmeSupport: nvmeSupport,
    }),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const request = {
      imageId: values.ImageId,
      ...(values.ImageName !== null && { imageName: values.ImageName }),
      ...(values.Description !== null && { description: values.Description }),
      ...(values.ImageFamily !== null && { imageFamily: values.ImageFamily }),
      ...(values.BootMode !== null && { bootMode: values.BootMode }),
      ...(values.Status !== null && { status: values.Status }),
    };
    await control.modifyImage(request, options({ dryRun: values.DryRun }));
    return {};
  },
});
