/** Days of the week and hours of the day to choose, each as a button that is pressed or not. */
import { Button, Form, Space, Typography } from 'antd';
import { useSection } from '../words/language.tsx';
import { policyWords } from '../words/policies.ts';

const HOURS = Array.from({ length: 24 }, (_none, hour) => hour);
const DAYS = [1, 2, 3, 4, 5, 6, 7];
/** Hours are of UTC+8, wherever the server is. */
const ZONE_HOURS = 8;

export function WeekEditor() {
  const words = useSection(policyWords);
  const days = Form.useWatch<number[] | undefined>('days') ?? [];
  const hours = Form.useWatch<number[] | undefined>('hours') ?? [];
  const rules = [{ required: true, type: 'array' as const, min: 1, message: words.choose }];
  const isElsewhere = new Date().getTimezoneOffset() !== -60 * ZONE_HOURS;
  return (
    <>
      <Form.Item name="days" label={words.days} rules={rules}>
        <Presses label={words.days} choices={DAYS} textOf={(day) => words.weekdays[day - 1] ?? ''} />
      </Form.Item>
      <Form.Item
        name="hours"
        label={words.hours}
        rules={rules}
        extra={isElsewhere && hours.length > 0 ? words.here(hours.map(localTime).join(', ')) : undefined}
      >
        <Presses label={words.hours} choices={HOURS} textOf={(hour) => String(hour).padStart(2, '0')} />
      </Form.Item>
      <Typography.Paragraph type="secondary">{words.perWeek(days.length * hours.length)}</Typography.Paragraph>
    </>
  );
}

interface PressesProps {
  label: string;
  choices: readonly number[];
  textOf: (choice: number) => string;
  /** Both from the form. */
  value?: number[];
  onChange?: (chosen: number[]) => void;
}

function Presses({ label, choices, textOf, value = [], onChange }: PressesProps) {
  const press = (choice: number) => {
    const chosen = value.includes(choice) ? value.filter((other) => other !== choice) : [...value, choice];
    onChange?.(chosen.toSorted((a, b) => a - b));
  };
  return (
    <Space wrap size={4} role="group" aria-label={label}>
      {choices.map((choice) => (
        <Button
          key={choice}
          size="small"
          type={value.includes(choice) ? 'primary' : 'default'}
          aria-pressed={value.includes(choice)}
          onClick={() => press(choice)}
        >
          {textOf(choice)}
        </Button>
      ))}
    </Space>
  );
}

function localTime(hour: number): string {
  const date = new Date();
  date.setUTCHours(hour - ZONE_HOURS, 0, 0, 0);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}
