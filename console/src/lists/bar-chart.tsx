/**
 * Bars side by side, each of one part or two, as SVG made by hand: one picture with a name for those who cannot see it; the values are in a table beside it.
 */
import { useEffect, useRef, useState } from 'react';
import { Space, Typography, theme as antdTheme } from 'antd';

export interface Bar {
  name: string;
  /** Below it. */
  shortName: string;
  /** One a series. */
  values: readonly number[];
}

interface BarChartProps {
  /** What it shows. */
  label: string;
  bars: readonly Bar[];
  series: readonly string[];
  format: (value: number) => string;
}

const HEIGHT = 220;
const TOP = 12;
const BOTTOM = 24;
const RIGHT = 8;
const LINES = 4;
/** Of a name below a bar. */
const NAME_WIDTH = 64;
const HALF_NAME = 24;
const FIGURE_WIDTH = 7.2;

export function BarChart({ label, bars, series, format }: BarChartProps) {
  const { token } = antdTheme.useToken();
  const colors = [token.colorPrimary, token.blue];
  const { ref, width } = useWidth();
  const top = planTop(Math.max(0, ...bars.map(({ values }) => sum(values))));
  const lines = Array.from({ length: LINES + 1 }, (_none, index) => (top / LINES) * index);
  const left = 10 + FIGURE_WIDTH * Math.max(...lines.map((value) => format(value).length));
  const step = Math.max(0, width - left - RIGHT) / Math.max(1, bars.length);
  const yOf = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  return (
    <div className="chart" ref={ref}>
      {series.length > 1 ? <Legend {...{ series, colors }} /> : null}
      <svg role="img" aria-label={label} width={width} height={HEIGHT}>
        {lines.map((value) => (
          <g key={value}>
            <line x1={left} x2={width - RIGHT} y1={yOf(value)} y2={yOf(value)} stroke={token.colorSplit} />
            <text x={left - 6} y={yOf(value) + 4} textAnchor="end" fontSize={12} fill={token.colorTextDescription}>
              {format(value)}
            </text>
          </g>
        ))}
        {bars.map((bar, index) => (
          <BarShape key={bar.name} {...{ bar, series, colors, format, yOf }} x={left + index * step} step={step} />
        ))}
        {planNames(bars.length, step).map((index) => (
          <text
            key={index}
            x={left + (index + 0.5) * step}
            y={HEIGHT - 6}
            textAnchor={step * (bars.length - index - 0.5) + RIGHT < HALF_NAME ? 'end' : 'middle'}
            fontSize={12}
            fill={token.colorTextDescription}
          >
            {bars[index]?.shortName}
          </text>
        ))}
      </svg>
    </div>
  );
}

interface BarShapeProps {
  bar: Bar;
  series: readonly string[];
  colors: readonly string[];
  format: (value: number) => string;
  yOf: (value: number) => number;
  x: number;
  step: number;
}

/** Parts on top of each other; the pointer is told the values. */
function BarShape({ bar, series, colors, format, yOf, x, step }: BarShapeProps) {
  const gap = Math.min(6, step * 0.2);
  const hint = bar.values
    .map((value, index) => (series.length > 1 ? `${series[index]}: ${format(value)}` : format(value)))
    .join('\n');
  const edges = bar.values.map((_value, index) => sum(bar.values.slice(0, index + 1)));
  return (
    <g>
      <title>{`${bar.name}\n${hint}`}</title>
      <rect x={x} y={TOP} width={step} height={HEIGHT - TOP - BOTTOM} fill="transparent" />
      {bar.values.map((value, index) => (
        <rect
          key={series[index]}
          x={x + gap / 2}
          y={yOf(edges[index] ?? 0)}
          width={Math.min(64, Math.max(1, step - gap))}
          height={Math.max(0, yOf((edges[index] ?? 0) - value) - yOf(edges[index] ?? 0))}
          fill={colors[index] ?? 'currentColor'}
        />
      ))}
    </g>
  );
}

function Legend({ series, colors }: { series: readonly string[]; colors: readonly string[] }) {
  return (
    <Space size="large" wrap>
      {series.map((name, index) => (
        <Space key={name} size={6}>
          <svg width={12} height={12} aria-hidden="true">
            <rect width={12} height={12} rx={2} fill={colors[index] ?? 'currentColor'} />
          </svg>
          <Typography.Text>{name}</Typography.Text>
        </Space>
      ))}
    </Space>
  );
}

/** The next 1, 2 or 5 with zeros, times the number of lines: round figures beside the lines. */
function planTop(highest: number): number {
  if (highest <= 0) return 1;
  const line = highest / LINES;
  const power = 10 ** Math.floor(Math.log10(line));
  const factor = [1, 2, 2.5, 5, 10].find((round) => round * power >= line * 0.999_999) ?? 10;
  return factor * power * LINES;
}

/** Which bars have their name below them: the last one, and before it as many as fit. */
function planNames(count: number, step: number): number[] {
  if (count === 0 || step <= 0) return [];
  const every = Math.max(1, Math.ceil(NAME_WIDTH / step));
  return Array.from({ length: count }, (_none, index) => index).filter((index) => (count - 1 - index) % every === 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}
