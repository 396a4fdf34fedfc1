/** A test that fails when the right behaviour is taken out: its file, and its title (`…` where the source puts a value in). */
export interface TrapTest {
  readonly file: string;
  readonly title: string;
}

/** A mistake that carts and shelves are easily built with, what Cartwright does instead, and what holds it to that. */
export interface Trap {
  readonly number: number;
  readonly trap: string;
  readonly behaviour: string;
  readonly tests: readonly TrapTest[];
}

const chip = 'test/hil/firmware-chip.test.ts';
const weighing = 'test/weighing/traps.test.ts';
const session = 'test/gateway/calibration-session.test.ts';
const hidScanner = 'test/drivers/scanner-hid.test.ts';
const hidScale = 'test/drivers/scale-hid.test.ts';
const csiCamera = 'test/drivers/camera-libcamera.test.ts';
const cart = 'test/fusion/cart.test.ts';

const scales: readonly Trap[] = [
  {
    number: 1,
    trap: 'An HX711 is clocked by a program that may be held up: above 60 µs of clock high it powers down in mid-read.',
    behaviour:
      'Only a microcontroller or the kernel clocks it. The firmware times each pulse and rejects the conversion of one that was too long.',
    tests: [
      {
        file: chip,
        title:
          'a conversion in which the clock was high for 70 µs is rejected and told, and the next ones are right',
      },
      {
        file: 'test/hil/microcontroller-samples.test.ts',
        title: 'a firmware that lets an interrupt hold the clock high fails the same check',
      },
    ],
  },
  {
    number: 2,
    trap: 'The raw value of the kernel’s HX711 is taken for a signed number.',
    behaviour: 'It is 2²³ too large: 8388608 is zero.',
    tests: [
      {
        file: 'test/drivers/sensor-codecs.test.ts',
        title: "the kernel's codes of an HX711 are 2²³ too large, and anything else is refused",
      },
    ],
  },
  {
    number: 3,
    trap: 'Conversions right after power-up, a reset, or a change of gain, rate or input are weighed.',
    behaviour:
      'Four are discarded, by whoever reads the converter and by weighing: no movement comes of them.',
    tests: [
      { file: chip, title: 'of a change of gain or rate nothing is sent that has not settled' },
      {
        file: 'test/drivers/kernel-sensors.test.ts',
        title: 'both inputs are read in turn, after what settles',
      },
      { file: 'test/drivers/nau7802.test.ts', title: 'codes that have not settled are not delivered' },
      {
        file: weighing,
        title: '3: samples that are not settled after a restart of the converter are discarded',
      },
    ],
  },
  {
    number: 4,
    trap: 'A converter that repeats one number, or is at the end of its range, looks like a very steady plate.',
    behaviour: 'Either is a fault, and the plate has no mass until it is over.',
    tests: [
      { file: weighing, title: '4: a frozen converter is a fault and not a plateau' },
      { file: weighing, title: '4: a saturated converter is a fault at either end and gives no mass' },
    ],
  },
  {
    number: 5,
    trap: 'The slope is stored without its sign.',
    behaviour: 'Slopes are signed: a cell whose signal wires are swapped weighs right.',
    tests: [
      {
        file: 'test/calibration/fits.test.ts',
        title: 'swapped signal wires give a negative slope, and the right mass',
      },
      { file: weighing, title: '5: a cell that is wired the other way round weighs the same' },
    ],
  },
  {
    number: 6,
    trap: 'A plate of several cells is calibrated by loads in the middle alone.',
    behaviour: 'They have rank 1: the fit is refused and names the cells that no load lay over.',
    tests: [
      {
        file: 'test/calibration/guards-fit.test.ts',
        title: 'loads in the middle alone say nothing of several cells',
      },
      { file: weighing, title: '6: a plate with one cell uncalibrated gives no mass at all' },
    ],
  },
  {
    number: 7,
    trap: 'Zero tracking swallows what is added slowly.',
    behaviour:
      'It is off in sessions and slow at other times; what is added at 0.2 d a second is a movement.',
    tests: [
      { file: weighing, title: '7: what is added at 0.2 d a second survives' },
      {
        file: weighing,
        title: '7: in a session the zero is not tracked, outside it is, slowly and not beyond 4 % of Max',
      },
    ],
  },
  {
    number: 8,
    trap: 'The scale is tared at start, with goods on it.',
    behaviour:
      'Nothing is tared at start: the stored zero counts and is said to be unverified until the plate is empty.',
    tests: [
      { file: weighing, title: '8: a start with goods in the basket takes no tare and moves nothing' },
      {
        file: weighing,
        title:
          '8: the zero that was stored counts at a start with goods on, and is said to be unverified until the plate is empty',
      },
    ],
  },
  {
    number: 9,
    trap: 'Creep under a load becomes an item.',
    behaviour: 'The baseline follows what is no faster than creep: 10 g in half an hour are no event.',
    tests: [{ file: weighing, title: '9: ten grams of drift in half an hour are no item' }],
  },
  {
    number: 10,
    trap: 'A cart is weighed while it shakes or leans.',
    behaviour: 'It is held until it stands level and still: at 10 Hz of shaking, and at 3°.',
    tests: [{ file: weighing, title: '10: nothing is decided while the cart shakes, nor at a tilt of 3°' }],
  },
  {
    number: 11,
    trap: 'Changes are differences of rounded masses.',
    behaviour:
      'Nothing is rounded to d before it is shown: two additions of 0.4 d make one movement of 0.8 d.',
    tests: [{ file: weighing, title: '11: two additions of 0.4 d sum, and no movement is rounded to d' }],
  },
];

const calibration: readonly Trap[] = [
  {
    number: 12,
    trap: 'A commit comes twice, is retained by the broker, or comes hours later.',
    behaviour:
      'It is carried out once and answered again, also after a restart; retained and expired ones are refused.',
    tests: [
      {
        file: session,
        title:
          'A command that comes twice is answered once; out of order, retained, expired, wrongly signed or by the wrong role it is refused and changes nothing',
      },
      {
        file: session,
        title: 'A commit that is repeated after a restart is answered as it was, and changes nothing',
      },
    ],
  },
  {
    number: 13,
    trap: 'Power fails while a calibration is written.',
    behaviour: 'The calibration before or the new one is in force, whole, at whatever system call it fails.',
    tests: [
      {
        file: 'test/gateway/calibration-power-loss.test.ts',
        title:
          'power may fail at any write of a commit: the calibration before or the new one, never a mixture, no counter back',
      },
      {
        file: 'test/system/calibration-crash.test.ts',
        title:
          'a device that is killed while it is calibrated has the calibration before or the new one, with its event, record and answer',
      },
    ],
  },
  {
    number: 14,
    trap: 'A calibration is accepted before its steps are done.',
    behaviour: 'Every state that is too early refuses with a code of its own and stays as it was.',
    tests: [
      {
        file: 'test/calibration/states.test.ts',
        title: 'calibrating, a plate in state … answers … with …',
      },
    ],
  },
];

const codes: readonly Trap[] = [
  {
    number: 15,
    trap: 'A long code of a HID scanner is cut at its first report, or a maker’s length byte is taken at its word.',
    behaviour: 'Reports of 56 and 4 bytes are one code; what makers do otherwise is a table.',
    tests: [
      {
        file: hidScanner,
        title: 'sixty characters in reports of 56 and 4 are one code, GS and binary bytes included',
      },
      {
        file: 'test/drivers/scanner-report.test.ts',
        title: 'any bytes survive reports of either length convention',
      },
      { file: hidScanner, title: 'a scanner of the table is asked for codes first, by its feature report' },
    ],
  },
  {
    number: 16,
    trap: 'Where FNC1 is missing, the next element is guessed.',
    behaviour: 'It may be missing after elements of predefined length alone; elsewhere the code is refused.',
    tests: [
      {
        file: 'test/scanning/dictionary.test.ts',
        title: 'FNC1 missing after any other element of fixed length is an error, never a guess',
      },
      {
        file: 'test/scanning/element-string.test.ts',
        title: 'a separator that is missing, or one too many, is refused',
      },
    ],
  },
  {
    number: 17,
    trap: 'A label with a price or mass in it is looked up as if all its digits were the item’s number.',
    behaviour:
      'The store’s layouts take it apart: one item under two prices is one item. Without a layout it is refused.',
    tests: [
      {
        file: 'test/scanning/restricted.test.ts',
        title: 'the same item under two prices has one item number',
      },
      {
        file: 'test/scanning/restricted.test.ts',
        title: 'without a layout a restricted number is refused, unless the catalogue lists it itself',
      },
    ],
  },
  {
    number: 18,
    trap: 'The power of ten of a USB scale is read unsigned, or a mass in motion is believed.',
    behaviour: 'The power is an int8; a mass counts with status 4 alone, and with status 2 it is zero.',
    tests: [
      {
        file: hidScale,
        title: 'the power of ten is signed, and one that no scale sends is refused',
      },
      { file: hidScale, title: 'a mass counts only with the status stable, and zero with its own' },
      {
        file: 'test/weighing/scale.test.ts',
        title: 'a complete scale needs no calibration: two stable indications that agree are a plateau',
      },
    ],
  },
];

const eyes: readonly Trap[] = [
  {
    number: 19,
    trap: 'A camera stalls and nobody notices; or its rows are padded, and each picture is sheared.',
    behaviour:
      'Silence is told within two seconds and the camera opened anew; the size of frames is asserted.',
    tests: [
      {
        file: 'test/drivers/camera-program.test.ts',
        title: 'a stopped or killed capture program is told, ended, and started anew without a restart',
      },
      { file: csiCamera, title: 'a stall is told within two seconds, and the program is ended by stopping' },
      { file: csiCamera, title: 'a width that would have padded rows is refused before anything is started' },
      { file: csiCamera, title: 'another size than was asked for is refused, by what the program says' },
      { file: csiCamera, title: 'rows with padding are noticed by where frames end, though nothing says so' },
      {
        file: 'test/drivers/camera-streams.test.ts',
        title: 'whatever the stride, a frame has its pixels and none of the padding',
      },
    ],
  },
  {
    number: 20,
    trap: 'A swap that leaves no mass goes unseen, or the best guess is charged whatever it is.',
    behaviour:
      'What touches the plate is a movement, whatever is left of it; what nothing explains well enough is asked about. Not caught: a swap for nearly the same mass that neither scan nor camera tells of.',
    tests: [
      {
        file: weighing,
        title: '20: a swap of 500 g for 502 g is seen although next to nothing is left of it',
      },
      {
        file: cart,
        title: 'an exchange of equal masses under a scan is asked about, never guessed',
      },
      {
        file: cart,
        title: 'a thing that is not in the catalogue is asked about, and taking it out again settles that',
      },
    ],
  },
];

/** The traps by area, numbered through. */
export const traps: readonly { readonly area: string; readonly traps: readonly Trap[] }[] = [
  { area: 'Load cells and weighing', traps: scales },
  { area: 'Calibration', traps: calibration },
  { area: 'Codes and complete scales', traps: codes },
  { area: 'Cameras and what was taken', traps: eyes },
];
