import { calibrationCodes } from '#calibration/errors.ts';
import { weighingCodes } from '#weighing/errors.ts';
import { technicianAdvice } from './technician-advice.ts';

/** Groups of CW-CAL, by number, as src/calibration/errors.ts divides them. */
const groups: readonly (readonly [title: string, from: number, to: number])[] = [
  ['While calibrating', 0, 69],
  ['Notes: it goes on, and the report tells', 70, 99],
  ['Calibrations on the device', 100, 129],
  ['Tests and reports', 130, 149],
  ['Diagnosis', 150, 169],
  ['Sessions and commands', 170, 199],
];

function table(codes: readonly (readonly [code: string, sentence: string])[]): string {
  const rows = codes.map(([code, sentence]) => {
    const advice = technicianAdvice[code] ?? 'The message itself says what to do.';
    return `| \`${code}\` | ${sentence.replaceAll('|', '\\|')} | ${advice.replaceAll('|', '\\|')} |`;
  });
  return ['| code | what you see | what to do |', '|---|---|---|', ...rows].join('\n');
}

/** docs/technician/messages.md: every message of calibration and weighing, with what to do. */
function messagesDocument(): string {
  const calibration = groups.flatMap(([title, from, to]) => {
    const own = Object.entries(calibrationCodes).filter(([code]) => {
      const number = Number(code.slice(-3));
      return number >= from && number <= to;
    });
    return own.length === 0 ? [] : [`### ${title}`, '', table(own), ''];
  });
  return [
    '# Messages, and what to do',
    '',
    '<!-- Made from the rooms’ errors.ts and scripts/docs/technician-advice.ts by `npm run docs`. Edit those. -->',
    '',
    'Find the code that you see. The message beside it names plate, cell and figures. Nothing here changes a scale: what was refused',
    'was not done. Other codes are in [errors.md](../errors.md). Back to [the start](README.md).',
    '',
    '## CW-CAL: calibration',
    '',
    ...calibration,
    '## CW-WGH: weighing',
    '',
    table(Object.entries(weighingCodes)),
    '',
  ].join('\n');
}

/** The technicians' documents that are made from sources. */
export const technicianDocuments: readonly {
  readonly path: string;
  readonly render: () => string | Promise<string>;
}[] = [{ path: 'docs/technician/messages.md', render: messagesDocument }];
