import type { Packaging } from './packaging.ts';

/** What a product of some kind is sold in, weighs and costs. */
export interface Kind {
  readonly name: string;
  /** Matches the lower-case product name; the first kind that matches wins. */
  readonly match: RegExp;
  /** Only products whose quantity is in this unit. */
  readonly unit?: 'g' | 'ml';
  readonly packaging: Packaging;
  /** g/ml where the quantity is a volume. */
  readonly density: number;
  /** Usual price of a kilogram or litre, minor units. */
  readonly perKg: number;
  readonly department: string;
  readonly taxCode: 'reduced-4' | 'reduced-10' | 'standard-22';
  readonly minimumAge?: number;
}

function kind(
  name: string,
  match: RegExp,
  packaging: Packaging,
  perKg: number,
  department: string,
  more: Partial<Kind> = {},
): Kind {
  return { name, match, packaging, density: 1, perKg, department, taxCode: 'reduced-10', ...more };
}

const staple = { taxCode: 'reduced-4' } as const;
const alcohol = { taxCode: 'standard-22', minimumAge: 18, unit: 'ml' } as const;

/** The kinds of the demo store, most particular first. Names in the source are Italian. */
export const kinds: readonly Kind[] = [
  kind('eggs', /\buova\b/, 'pulp', 620, 'dairy', { ...staple, unit: 'g' }),
  kind('beer', /\bbirra\b|pilsner|plisner/, 'beer bottle', 280, 'drinks', { ...alcohol, density: 1.01 }),
  kind(
    'spirits',
    /grappa|amaretto classico|limoncino|nocino|martini/,
    'glass bottle',
    1500,
    'drinks',
    alcohol,
  ),
  kind('vinegar', /\baceto (?:balsamico|di vino bianco)/, 'glass bottle', 780, 'pantry', {
    unit: 'ml',
    density: 1.03,
  }),
  kind(
    'wine',
    /\bvino (?:bianco|rosso)|chianti|prosecco|pinot|nero d'avola|verduzzo|ribolla|gewürz|montepulciano|sangiovese/,
    'glass bottle',
    850,
    'drinks',
    alcohol,
  ),
  kind('water', /\bacqua\b|ferrarelle|fonte elisa/, 'plastic bottle', 45, 'drinks', {
    taxCode: 'standard-22',
    unit: 'ml',
  }),
  kind('soft drink', /fanta|schweppes|chinotti|san pellegrino/, 'plastic bottle', 160, 'drinks', {
    unit: 'ml',
    density: 1.03,
  }),
  kind('juice', /succo|nettare|spremuta|100% pera|frullato|bevanda di albicocca/, 'carton', 260, 'drinks', {
    unit: 'ml',
    density: 1.03,
  }),
  kind('plant drink', /bevanda di riso|soia|latte di riso|^millet/, 'carton', 230, 'drinks', {
    unit: 'ml',
    density: 1.02,
  }),
  kind('cream', /\bpanna\b/, 'carton', 560, 'dairy', { ...staple, unit: 'ml', density: 1.01 }),
  kind('milk', /\blatte\b/, 'carton', 165, 'dairy', { ...staple, unit: 'ml', density: 1.03 }),
  kind('oil', /\bolio (?:extra|di|extrav)/, 'glass bottle', 1150, 'pantry', {
    ...staple,
    unit: 'ml',
    density: 0.92,
  }),
  kind('frozen', /surgelat/, 'film', 420, 'frozen', { unit: 'g' }),
  kind('pizza', /\bpizza (?:margherita|verdure|radicchio)/, 'box', 820, 'frozen', { unit: 'g' }),
  kind('ice cream', /gelato/, 'tub', 720, 'frozen', { unit: 'g' }),
  kind('yogurt', /yogurt|yougurt|joghurt/, 'cup', 420, 'dairy', { unit: 'g' }),
  kind('butter', /^burro|\bburro (?:100|senza|di)/, 'foil', 1180, 'dairy', { ...staple, unit: 'g' }),
  kind('mozzarella', /mozzarella|bocconcini/, 'brine', 1050, 'dairy', { ...staple, unit: 'g' }),
  kind(
    'soft cheese',
    /ricott|mascarpone|stracchino|robiol|crescenza|stracciatella|burrata|tomini|fiocchi di latte|certosa/,
    'tub',
    1050,
    'dairy',
    { ...staple, unit: 'g' },
  ),
  kind('cheese', /parmigiano|grana|gorgonzola|scamorza|montasio|sottilette|pecorino/, 'tray', 1750, 'dairy', {
    ...staple,
    unit: 'g',
  }),
  kind(
    'cold cuts',
    /prosciutto|speck|bresaola|mortadella|coppa|pancetta|guanciale|arrosto|fesa|tacchino al forno|pollo al forno/,
    'tray',
    2300,
    'meat',
    { unit: 'g' },
  ),
  kind(
    'meat',
    /hamburger|macinato (?:di|bovino)|petto di|trito|cotoletta|polpa trita|cotechino/,
    'tray',
    1350,
    'meat',
    {
      unit: 'g',
    },
  ),
  kind('tuna', /tonno|carne in gelatina|simmenthal|vitello$/, 'can', 1650, 'pantry', { unit: 'g' }),
  kind('anchovies', /alici|acciuga|sardine/, 'jar', 2600, 'pantry', { unit: 'g' }),
  kind('honey', /miele/, 'jar', 1250, 'pantry', { unit: 'g' }),
  kind('spread', /nutella|crema di (?:nocciole|marroni)|gianduja/, 'jar', 1150, 'pantry', { unit: 'g' }),
  kind('sweets', /caramelle|chewing|liquirizia|barretta|mou morbide/, 'film', 1150, 'snacks', { unit: 'g' }),
  kind('jam', /confettura|marmellata|composta|fiordifrutta|100% frutta/, 'jar', 780, 'pantry', {
    unit: 'g',
  }),
  kind(
    'sauce',
    /pesto|^sugo|salsa|salse|^sauce|arrabbiata|besciamella|barbecue|maionese|mustard/,
    'jar',
    820,
    'pantry',
    { unit: 'g' },
  ),
  kind('passata', /passata|coulis|puree de tomate/, 'glass bottle', 195, 'pantry', { ...staple, unit: 'g' }),
  kind(
    'canned',
    /polpa|tomatoes|tomaten|cubett[io]|concentrato|piselli p|borlotti|cannellini|lessate|^ceci$|macedonia|lupini/,
    'can',
    330,
    'pantry',
    { ...staple, unit: 'g' },
  ),
  kind(
    'preserves',
    /\boliv[ae]\b|capperi|carciofin?i|giardiniera|cetriolini|cipolline|pomodori secchi|agrodolce|antipasto/,
    'jar',
    980,
    'pantry',
    { unit: 'g' },
  ),
  kind(
    'fresh pasta',
    /gnocchi|lasagne|trofie|cannelloni|quadrucci|sfoglia fresca|troccoli/,
    'tray',
    520,
    'dairy',
    {
      ...staple,
      unit: 'g',
    },
  ),
  kind(
    'pasta',
    /spaghett|penne|fusilli|linguine|paccheri|rigat|farfalle|vermicelli|mezze maniche|conchigli|capellini|tortiglioni|\bpasta (?:mista|di|all'uovo)/,
    'film',
    270,
    'pantry',
    { ...staple, unit: 'g' },
  ),
  kind('snack', /gallette|galette|chips|taralli|mais chips/, 'film', 950, 'snacks', { unit: 'g' }),
  kind('rice', /^riso\b|carnaroli|vialone/, 'film', 340, 'pantry', { ...staple, unit: 'g' }),
  kind('flour', /farina|semola(?:to)? di grano|polenta|zucchero/, 'paper', 190, 'pantry', {
    ...staple,
    unit: 'g',
  }),
  kind(
    'pulses',
    /lenticchi|\bceci\b|farro perlato|orzo perlato|piselli interi|grano saraceno/,
    'film',
    460,
    'pantry',
    {
      ...staple,
      unit: 'g',
    },
  ),
  kind('nuts', /mandorle|\bnoci\b|pinoli|arachidi|castagne/, 'film', 1750, 'snacks', { unit: 'g' }),
  kind('coffee', /caffè|orzo (?:solubile|macinato|per la)|cacao amaro/, 'foil', 1450, 'pantry', {
    taxCode: 'standard-22',
    unit: 'g',
  }),
  kind(
    'rusks',
    /fette biscottate|crackers?\b|grissini|gressini|crostini|pangrattato|pan grattato/,
    'film',
    420,
    'bakery',
    {
      ...staple,
      unit: 'g',
    },
  ),
  kind('bread', /piadin|piadelle|pane\b|panini|focaccia/, 'film', 490, 'bakery', { ...staple, unit: 'g' }),
  kind(
    'biscuits',
    /frollini|biscott|wafer|amaretti|cantuccini|saiwa|pan di stelle|gran cereale|ringo|plum ?cake|cereal|muesli|corn ?flakes|krumiri/,
    'film',
    620,
    'snacks',
    { unit: 'g' },
  ),
  kind('cake', /pandoro|panettone|colomba|torta|sbrisolona/, 'box', 980, 'bakery', { unit: 'g' }),
  kind('chocolate', /cioccolato|loacker|grisb/, 'foil', 1450, 'snacks', { unit: 'g' }),
  kind('soup', /minestrone|zuppa|vellutata|passato|crema di verdure/, 'tub', 490, 'ready meals', {
    unit: 'g',
  }),
  kind('salad', /misticanza|rucola|lattuga|insalata|radicchio/, 'film', 980, 'produce', {
    ...staple,
    unit: 'g',
  }),
  kind(
    'vegetables',
    /zucchine|carote|pomodoro ciliegino|uva|mele biologiche|arance|tofu/,
    'tray',
    420,
    'produce',
    {
      ...staple,
      unit: 'g',
    },
  ),
];

/** Things in the source that are no food, or whose entry is too poor to show. */
export const unwanted =
  /shampoo|noxzema|anatra|deodorante|dermogel|aloe|idrolitina|quot|schiuma|bebida|mantequilla|beurre|yaourt|marmelade|lait |sans gluten|sauce tomate|fattoria latte sano|int\. venere|viviv\.|snack buoni|digpatate|taralligp|huile|pâte|geschälte|lekkerland|\?/;
