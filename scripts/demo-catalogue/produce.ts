/** Loose produce: what a handful is and costs. Names are ours; PLU codes are facts, checked against the source's commodity. */
export interface Produce {
  readonly plu: string;
  /** Must occur in the source's commodity or variety of this code. */
  readonly commodity: string;
  readonly name: string;
  readonly perKg: number;
  /** A typical handful, g, and its standard deviation: produce is never identified by mass. */
  readonly handful: readonly [mean: number, sd: number];
  /** Class of the pictures it is known by. */
  readonly look: string;
}

function row(
  plu: string,
  commodity: string,
  name: string,
  perKg: number,
  handful: readonly [number, number],
  look: string,
): Produce {
  return { plu, commodity, name, perKg, handful, look };
}

export const produce: readonly Produce[] = [
  row('4011', 'BANANAS', 'Bananas', 179, [900, 180], 'Banana'),
  row('4016', 'APPLES', 'Red Delicious apples', 229, [850, 170], 'Red-Delicious'),
  row('4017', 'APPLES', 'Granny Smith apples', 239, [850, 170], 'Granny-Smith'),
  row('4020', 'APPLES', 'Golden Delicious apples', 219, [850, 170], 'Golden-Delicious'),
  row('4128', 'APPLES', 'Pink apples', 299, [780, 160], 'Pink-Lady'),
  row('4173', 'APPLES', 'Gala apples', 229, [760, 150], 'Royal-Gala'),
  row('4413', 'PEARS', 'Brown pears', 279, [800, 170], 'Kaiser'),
  row('4012', 'ORANGES', 'Navel oranges', 199, [1050, 210], 'Orange'),
  row('4055', 'TANGERINES', 'Mandarins', 249, [700, 150], 'Satsumas'),
  row('4053', 'LEMONS', 'Lemons', 259, [380, 90], 'Lemon'),
  row('4048', 'LIMES', 'Limes', 449, [210, 50], 'Lime'),
  row('4030', 'KIWIFRUIT', 'Kiwifruit', 349, [420, 90], 'Kiwi'),
  row('4046', 'AVOCADOS', 'Small avocados', 599, [330, 75], 'Avocado'),
  row('4036', 'NECTARINE', 'Nectarines', 299, [720, 150], 'Nectarine'),
  row('4044', 'PEACHES', 'Peaches', 289, [740, 150], 'Peach'),
  row('4042', 'PLUMS', 'Red plums', 319, [520, 120], 'Plum'),
  row('4664', 'TOMATOES', 'Tomatoes on the vine', 279, [620, 140], 'Vine-Tomato'),
  row('4064', 'TOMATOES', 'Large tomatoes', 259, [680, 150], 'Beef-Tomato'),
  row('4562', 'CARROTS', 'Loose carrots', 139, [560, 130], 'Carrots'),
  row('4062', 'CUCUMBER', 'Cucumbers', 199, [390, 90], 'Cucumber'),
  row('4067', 'SQUASH', 'Courgettes', 229, [540, 120], 'Zucchini'),
  row('4081', 'EGGPLANT', 'Aubergines', 249, [430, 100], 'Aubergine'),
  row('4688', 'PEPPERS', 'Red peppers', 349, [420, 95], 'Red-Bell-Pepper'),
  row('4689', 'PEPPERS', 'Yellow peppers', 349, [420, 95], 'Yellow-Bell-Pepper'),
  row('4093', 'ONIONS', 'Yellow onions', 149, [620, 140], 'Yellow-Onion'),
  row('4608', 'GARLIC', 'Garlic', 899, [110, 30], 'Garlic'),
  row('4612', 'GINGER', 'Ginger', 599, [150, 45], 'Ginger'),
  row('4629', 'LEEKS', 'Leeks', 279, [450, 110], 'Leek'),
];
