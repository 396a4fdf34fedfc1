import { readAddress } from './address.ts';
import { PhonePage } from './phone-page.ts';
import { Speech } from './speech.ts';

const speech = new Speech(navigator.languages);
document.documentElement.lang = speech.code;
const page = new PhonePage(speech, readAddress(location.hash));
// Another code that is read while the page is open is another trip.
addEventListener('hashchange', () => location.reload());
page.begin();
