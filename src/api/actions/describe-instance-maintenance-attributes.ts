/** DescribeInstanceMaintenanceAttributes: this service maintains no machine, and each instance has the defaults. */
import { defineAction } from '../action.ts';
import { numberedFields, numberedPaging, pageNumbers } from '../filters.ts';
import { listNamedInstances } from '../named-instances.ts';
import { repeated } from '../parameters.ts';

export const describeInstanceMaintenanceAttributes = defineAction({
  name: 'DescribeInstanceMaintenanceAttributes',
  parameters: { ...pageNumbers(), InstanceId: repeated(100, 'InstanceIdLimitExceeded') },
  run: async (values, { control }) => {
    const asked = { paging: numberedPaging(values), code: 'InvalidInstanceId.NotFound' };
    const page = await listNamedInstances(control, values.InstanceId, asked);
    return {
      ...numberedFields(values, page),
      MaintenanceAttributes: {
        MaintenanceAttribute: page.items.map(({ instanceId }) => ({
          InstanceId: instanceId,
          MaintenanceWindows: { MaintenanceWindow: [] },
          ActionOnMaintenance: {
            Value: 'AutoRecover',
            DefaultValue: 'AutoRecover',
            SupportedValues: { SupportedValue: ['AutoRecover'] },
          },
          NotifyOnMaintenance: false,
        })),
      },
    };
  },
});
