/** DescribeInstanceTypes (`ecs-api.md` 2.4). All types fit one page, so NextToken is always blank. */
import { instanceTypes, type InstanceType } from '../../ecs/instance-types.ts';
import { allFieldsAreShown } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { noneHas, pagingParameters } from '../filters.ts';
import { decimalNumber, integer, oneOf, repeated, text, type Parameter } from '../parameters.ts';

type Rendered = ReturnType<typeof renderInstanceType>;

/** A filter as a test on a rendered type. */
type Test = (type: Rendered) => boolean;

type NumberField = { [Field in keyof Rendered]: Rendered[Field] extends number ? Field : never }[keyof Rendered];

const { MaxResults } = pagingParameters(100);
const whole = integer({ least: 0, most: 999_999_999_999_999 });
const decimal = decimalNumber();

const tests = {
  InstanceTypes: anyOf((type) => type.InstanceTypeId, repeated(10)),
  InstanceTypeFamily: anyOf((type) => type.InstanceTypeFamily, single(text())),
  InstanceTypeFamilies: anyOf((type) => type.InstanceTypeFamily, repeated(10)),
  CpuArchitecture: anyOf((type) => type.CpuArchitecture, single(oneOf(['X86', 'ARM']))),
  CpuArchitectures: anyOf((type) => type.CpuArchitecture, repeated(10)),
  InstanceCategory: anyOf((type) => type.InstanceCategory, single(text())),
  InstanceCategories: anyOf((type) => type.InstanceCategory, repeated(10)),
  InstanceFamilyLevel: anyOf((type) => type.InstanceFamilyLevel, single(text())),
  NvmeSupport: anyOf((type) => type.NvmeSupport, single(oneOf(['required', 'supported', 'unsupported']))),
  MinimumCpuCoreCount: atLeast('CpuCoreCount'),
  MaximumCpuCoreCount: atMost('CpuCoreCount'),
  MinimumCpuSpeedFrequency: atLeast('CpuSpeedFrequency', decimal),
  MaximumCpuSpeedFrequency: atMost('CpuSpeedFrequency', decimal),
  MinimumCpuTurboFrequency: atLeast('CpuTurboFrequency', decimal),
  MaximumCpuTurboFrequency: atMost('CpuTurboFrequency', decimal),
  MinimumMemorySize: atLeast('MemorySize', decimal),
  MaximumMemorySize: atMost('MemorySize', decimal),
  MinimumGPUAmount: atLeast('GPUAmount'),
  MaximumGPUAmount: atMost('GPUAmount'),
  MinimumDiskQuantity: atLeast('DiskQuantity'),
  MinimumBaselineCredit: atLeast('BaselineCredit'),
  MinimumInitialCredit: atLeast('InitialCredit'),
  MinimumEniQuantity: atLeast('EniQuantity'),
  MinimumEniPrivateIpAddressQuantity: atLeast('EniPrivateIpAddressQuantity'),
  MinimumEniIpv6AddressQuantity: atLeast('EniIpv6AddressQuantity'),
  MinimumEriQuantity: atLeast('EriQuantity'),
  MinimumInstanceBandwidthRx: atLeast('InstanceBandwidthRx'),
  MinimumInstanceBandwidthTx: atLeast('InstanceBandwidthTx'),
  MinimumInstancePpsRx: atLeast('InstancePpsRx'),
  MinimumInstancePpsTx: atLeast('InstancePpsTx'),
  MinimumLocalStorageAmount: atLeast('LocalStorageAmount'),
  MinimumLocalStorageCapacity: atLeast('LocalStorageCapacity'),
  MinimumPrimaryEniQueueNumber: atLeast('PrimaryEniQueueNumber'),
  MinimumSecondaryEniQueueNumber: atLeast('SecondaryEniQueueNumber'),
  MinimumQueuePairNumber: atLeast('QueuePairNumber'),
};

const hardware = {
  GPUSpec: noneHas(),
  GpuSpecs: noneHas(),
  LocalStorageCategory: noneHas(),
  LocalStorageCategories: noneHas(),
  PhysicalProcessorModel: noneHas(),
  PhysicalProcessorModels: noneHas(),
};

export const describeInstanceTypes = defineAction({
  name: 'DescribeInstanceTypes',
  parameters: {
    ...tests,
    ...hardware,
    AdditionalAttributes: allFieldsAreShown,
    MaxResults,
    NextToken: text('InvalidParameter', () => 'all types fit one page, no answer gave a token'),
  },
  run: (values) => {
    const asksForHardware = Object.keys(hardware).some((name) => values[name as keyof typeof hardware] !== null);
    const wanted = Object.keys(tests).map((name) => values[name as keyof typeof tests]);
    const types = instanceTypes
      .map(renderInstanceType)
      .filter((type) => !asksForHardware && wanted.every((test) => test(type)));
    return Promise.resolve({ NextToken: '', InstanceTypes: { InstanceType: types } });
  },
});

/** Zeros are what the server cannot know of a machine that its user runs. */
function renderInstanceType(type: InstanceType) {
  return {
    InstanceTypeId: type.instanceTypeId,
    InstanceTypeFamily: type.family,
    InstanceFamilyLevel: 'EnterpriseLevel',
    InstanceCategory: 'General-purpose',
    CpuArchitecture: 'X86',
    CpuCoreCount: type.cpuCount,
    CpuSpeedFrequency: 0,
    CpuTurboFrequency: 0,
    MemorySize: type.memoryGib,
    DiskQuantity: type.diskLimit,
    NvmeSupport: 'unsupported',
    GPUAmount: 0,
    GPUSpec: '',
    BaselineCredit: 0,
    InitialCredit: 0,
    EniQuantity: 1,
    EniTotalQuantity: 1,
    EniTrunkSupported: false,
    EniPrivateIpAddressQuantity: 1,
    EniIpv6AddressQuantity: 0,
    EriQuantity: 0,
    InstanceBandwidthRx: 0,
    InstanceBandwidthTx: 0,
    InstancePpsRx: 0,
    InstancePpsTx: 0,
    LocalStorageAmount: 0,
    LocalStorageCapacity: 0,
    LocalStorageCategory: '',
    PrimaryEniQueueNumber: 1,
    SecondaryEniQueueNumber: 0,
    QueuePairNumber: 0,
    PhysicalProcessorModel: '',
    Attributes: { Attribute: [] },
    SupportedBootModes: { SupportedBootMode: ['BIOS', 'UEFI'] },
  };
}

function anyOf(field: (type: Rendered) => string, parameter: Parameter<string[]>): Parameter<Test> {
  return {
    ...parameter,
    read: (set, name) => {
      const words = parameter.read(set, name).map((word) => word.toLowerCase());
      return (type) => words.length === 0 || words.includes(field(type).toLowerCase());
    },
  };
}

function single(parameter: Parameter<string | null>): Parameter<string[]> {
  return {
    ...parameter,
    read: (set, name) => {
      const word = parameter.read(set, name);
      return word === null ? [] : [word];
    },
  };
}

function atLeast(field: NumberField, number = whole): Parameter<Test> {
  return compared(number, (limit) => (type) => type[field] >= limit);
}

function atMost(field: NumberField, number = whole): Parameter<Test> {
  return compared(number, (limit) => (type) => type[field] <= limit);
}

function compared(number: Parameter<number | null>, test: (limit: number) => Test): Parameter<Test> {
  return {
    ...number,
    read: (set, name) => {
      const limit = number.read(set, name);
      return limit === null ? () => true : test(limit);
    },
  };
}
