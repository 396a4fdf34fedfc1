import type { TrapTest } from './traps.ts';

/** Something that an attacker may try, what holds it off, and the tests that fail when it does not. */
export interface Threat {
  readonly threat: string;
  readonly held: string;
  readonly tests: readonly TrapTest[];
}

/** Threats of one kind of attacker. */
export interface Attacker {
  readonly attacker: string;
  readonly threats: readonly Threat[];
}

const broker = 'test/authority/broker.test.ts';
const service = 'test/authority/service.test.ts';
const publishing = 'test/authority/publishing.test.ts';
const updater = 'test/updates/updater.test.ts';
const provisioning = 'test/authority/provision.test.ts';
const signed = 'test/gateway/signed-commands.test.ts';
const archive = 'test/updates/release-archive.test.ts';
const display = 'test/pages/display-server.test.ts';
const one = (file: string, ...titles: readonly string[]): TrapTest[] =>
  titles.map((title) => ({ file, title }));

/** What is held off, by whom it is tried. What is not held is in scripts/docs/threats.ts. */
export const attackers: readonly Attacker[] = [
  {
    attacker: 'Somebody on the store’s network',
    threats: [
      {
        threat: 'listens to what carts and broker say, or talks to the broker without a login',
        held: 'TLS 1.2 or newer on every listener, a certificate or a login on each; nothing in plain.',
        tests: one(
          broker,
          'below TLS 1.2 and without TLS nobody gets in, and an oversized packet ends the connection',
        ).concat(
          one(
            'test/authority/tls.test.ts',
            'every listener of the brokers that are shipped asks for TLS 1.2 by itself, whatever the machine’s OpenSSL allows',
            'below TLS 1.2 nobody talks to the enrolment service',
          ),
        ),
      },
      {
        threat:
          'shows a certificate that is over, not valid yet, self-signed, of another authority or for another use',
        held: 'The broker takes certificates of the store’s authority for clients alone, in their time.',
        tests: one(
          broker,
          'a certificate that is over, not valid yet, self-signed, of another authority, a server’s, or none at all opens nothing',
        ),
      },
      {
        threat: 'stands in the broker’s place',
        held: 'A gateway sends nothing to a broker that the store’s authority does not vouch for under its name, nor below TLS 1.2.',
        tests: one(
          'test/uplink/tls.test.ts',
          'a broker that speaks nothing newer than TLS 1.1 gets nothing, not even where both sides still could',
          'a broker that another authority vouches for gets nothing, and that is said once',
          'a certificate for another name is refused',
        ),
      },
      {
        threat:
          'stands in the authority’s place while devices are provisioned, also while their clocks are wrong',
        held: 'The root’s SHA-256 comes with the claim; the time is signed for this question; the claim is sent only after both.',
        tests: one(
          provisioning,
          'what answers with another root, another name or no time signed for this very question gets neither claim nor request',
          'a device whose clock begins in 1970 takes the time from the authority, and judges certificates by it',
          "a cart's certificate makes nobody the authority, and a certificate for another key or name is not taken",
        ),
      },
      {
        threat: 'guesses claims, floods the enrolment service, or sends it rubbish',
        held: '115 random bits, limits by network and in all, small bodies, coded refusals that repeat nothing.',
        tests: one(
          service,
          'whoever asks too often waits, and is answered again a minute later',
          'anything but a request of the contract is refused with a code, and shows nothing of what was sent',
        ),
      },
      {
        threat: 'uses a claim a second time, late, or for another device',
        held: 'A claim and the certificate it gives are stored in one transaction; it is for one device and some days.',
        tests: one(
          provisioning,
          'a claim is used once: another device with the same claim is refused',
          'a claim that is over, wrong, or of another device does not hold, and all refusals say the same',
        ),
      },
      {
        threat: 'reaches into a cart over the network',
        held: 'Nothing listens but on loopback.',
        tests: one(
          'test/boot/cases/ports.ts',
          'nothing of a cart listens but on loopback, seen from outside',
        ),
      },
    ],
  },
  {
    attacker: 'A stolen or taken-over cart',
    threats: [
      {
        threat:
          'speaks as another cart: events, state, answers, requests, retained messages, or the store’s own topics',
        held: 'Name and client id come from the certificate; the broker’s rights are below that name alone.',
        tests: one(
          broker,
          'a cart speaks as itself alone, whatever name it gives, and hears what it is asked and what the store offers',
          "a cart can't write other carts' topics: no event, no state, no request, no answer, nothing retained, no catalogue, nothing of the broker's",
        ),
      },
      {
        threat: 'leaves a will in another cart’s name',
        held: 'Wills have the rights of their sender.',
        tests: one(broker, "a cart can't leave a will on another cart's topic"),
      },
      {
        threat: 'reads other carts’ baskets, by wildcard or shared subscription',
        held: 'Reading has the same rights as writing; of the store’s topics it reads the offers.',
        tests: one(
          broker,
          "a cart hears nothing of other carts: by name, by wildcard, by shared subscription, retained, nor of the broker's own",
        ),
      },
      {
        threat: 'goes on after it was reported stolen',
        held: 'authority revoke: list of revoked certificates, rights, and the end of its connection, in a second or two.',
        tests: one(
          broker,
          'a stolen cart is shut out within a minute: what is connected ends, what comes back is refused, others notice nothing',
          'what the broker keeps outlives a power cut, and so does who is shut out',
        ).concat(
          one(publishing, 'two that tell the broker at once leave the newer list, whoever writes last'),
        ),
      },
      {
        threat: 'gets itself a new certificate before or after',
        held: 'A renewal needs the key of a certificate that is not revoked, and is not given early; revoking ends all of a device’s.',
        tests: one(
          provisioning,
          'a renewal needs the key of the certificate, and none of a revoked or long forgotten one',
        ),
      },
      {
        threat: 'takes a name that has rights of its own on the broker',
        held: 'The authority gives no device the name of a login, be it one that the store has added.',
        tests: [
          ...one(provisioning, 'a device has no name of a login of the broker'),
          ...one(
            publishing,
            "a device gets no name that has rights of its own on this store's broker, and one that was shut out gets its own again",
          ),
        ],
      },
      {
        threat:
          'its gateway, taken over, leads what runs as root elsewhere: links, pipes and endless files in its folders, wishes and requests of its own making',
        held: 'Root’s programs open plain files without following links, read so much and no more, work on the gateway’s data as its user, and want a signed command for what goes backwards.',
        tests: [
          ...one(
            'test/updates/untrusted.test.ts',
            'root reads what the gateway left as a plain file of the folder itself, and through no link',
            'root neither waits for a pipe nor reads more than it asked for of what the gateway left',
          ),
          ...one(
            updater,
            'garbage, tricks with links, foreign keys and archives are refused with their code, and nothing changes',
            'back to an older release goes only who has a signed order for it, and each order serves once',
          ),
          ...one(
            'test/cli/as-owner.test.ts',
            'a link in the place of the calibrations leads restore as root nowhere',
            'a backup by root takes nothing along that the gateway may not read',
            'a factory reset as root opens and removes what the gateway left as its user alone, and not while it runs',
          ),
          ...one(
            'test/setup/helpers.test.ts',
            'a link in the place of a wish is removed, and what it leads to stays',
            'a link or a folder in the place of the kept instant is not followed',
          ),
        ],
      },
      {
        threat: 'a card is copied, or moved to another machine',
        held: 'The identity is bound to the hardware and stops elsewhere; of two connections each notices the other.',
        tests: [
          ...one(
            'test/identity/hardware.test.ts',
            'a card that was copied to another machine stops there with what to do, and goes on in its own',
            'an identity fits a machine of which two of three facts are as they were, and no other',
          ),
          ...one(
            'test/system/secrets.test.ts',
            'a gateway with the identity of another machine does not start, says what to do, and is not restarted in vain',
          ),
          ...one(
            'test/uplink/presence.test.ts',
            'copies that count boots and connections alike differ in what each drew at its start',
          ),
        ],
      },
      {
        threat: 'a cart that was given away still has the store’s identity',
        held: 'provision wipe and factory-reset take the identity away first.',
        tests: one(provisioning, 'a wiped device has no key, no certificate and no identity any more'),
      },
    ],
  },
  {
    attacker: 'Somebody with a login of the broker',
    threats: [
      {
        threat: 'forges a command, or changes one on its way',
        held: 'Commands are signed (COSE) for one topic by keys with roles; the login alone commands nothing.',
        tests: [
          ...one(
            signed,
            'Whoever may not command is refused, each for a reason with its own code, on record, and nothing is changed',
          ),
          ...one(
            'test/identity/cose.test.ts',
            'What either algorithm signed is read back, and fits its key, its topic and its content alone',
            'One flipped bit anywhere is another message, or none',
          ),
        ],
      },
      {
        threat: 'sends a recorded command again, later, or retained',
        held: 'Transactions are remembered, commands expire, retained ones are refused; without a clock a nonce is asked for.',
        tests: [
          ...one(
            signed,
            'The same signed command sent again is answered again and carried out once, also after a restart',
            'A signed command that is over, retained or too large is refused, and changes nothing',
            'While the clock is unset, a signed command needs a nonce of this device, which serves once',
          ),
          ...one(
            'test/commands/desk.test.ts',
            'A command is carried out once, however often its transaction is sent',
          ),
        ],
      },
      {
        threat: 'uses the key of somebody who has left',
        held: 'Lists of keys are signed by the store’s root key and never go back.',
        tests: [
          ...one(signed, 'A key that is revoked signs nothing from then on, not even what it signed before'),
          ...one(
            'test/gateway/key-keeper.test.ts',
            "The store's list is in force when it arrives, and its version never goes back, also after a restart",
          ),
        ],
      },
      {
        threat: 'sends malformed, nested, oversized or endless traffic',
        held: 'Bounded decoders that answer with a code; packets that are too large are skipped without being read.',
        tests: [
          ...one(
            'test/system/bad-input.test.ts',
            'nothing that anybody sends over … stops the gateway or its sensing',
          ),
          ...one(
            'test/uplink/packet-guard.test.ts',
            'a gigabyte that is announced takes no memory',
            'what no broker may send, and what is too short for its id, ends the connection before a parser sees it',
          ),
          ...one(
            'test/uplink/hostile-broker.test.ts',
            'whatever a broker sends over MQTT …, the link survives it and goes on with the next one',
          ),
          ...one(
            'test/system/retained-junk.test.ts',
            'junk on every topic that the gateway subscribes to, sent or retained, stops neither it nor its trade',
          ),
          ...one(
            'test/events/properties.test.ts',
            'random bytes are refused with a code, never with a crash',
          ),
        ],
      },
      {
        threat: 'publishes a malicious catalogue',
        held: 'Checked whole before any of it counts; what can’t be taken changes nothing.',
        tests: one(
          'test/catalogue/parse.test.ts',
          'arbitrary JSON is either a catalogue or a coded error',
          'a catalogue with arbitrary values in its products is either accepted or refused with a code',
        ).concat(
          one(
            'test/gateway/store-stock.test.ts',
            'what is damaged, announced wrongly or no catalogue is told, and the old one stays',
          ),
        ),
      },
      {
        threat: 'covers the traces of what was done',
        held: 'The audit log is a chain of hashes that is anchored in the store’s ledger.',
        tests: one(
          'test/identity/audit.test.ts',
          'A line that is taken out, doubled, moved or put in is found',
          'A log that is taken away or replaced as a whole is noticed',
        ),
      },
    ],
  },
  {
    attacker: 'A web page, or a phone',
    threats: [
      {
        threat: 'a page elsewhere reads or commands the loopback pages: CSRF, DNS rebinding',
        held: 'Host and Origin are checked, and what changes something needs the page’s token.',
        tests: [
          ...one('test/pages/server.test.ts', 'what comes from … is refused with a code'),
          ...one(
            display,
            'another site, another name of this machine and other methods are refused',
            'nothing is carried out without the token, or with another one',
            'the token is not in anything that another page may load',
          ),
        ],
      },
      {
        threat: 'a shopper does on the display what only staff may',
        held: 'The display carries out a shopper’s commands alone.',
        tests: one(display, '… is refused, and nothing is carried out'),
      },
      {
        threat: 'a page elsewhere uses the technicians’ console',
        held: 'It answers to its own names and to its own page.',
        tests: one(
          'test/console/server.test.ts',
          'Who calls the console by another name, or asks from a page of another origin, gets nothing',
        ),
      },
      {
        threat: 'a stranger’s phone joins or replays what a phone said',
        held: 'Messages are authenticated with a secret of the session and numbered upwards.',
        tests: one(
          'test/gateway/phone.test.ts',
          'what does not know the secret, was said before, or is no message, is not taken and not answered',
        ),
      },
    ],
  },
  {
    attacker: 'Whoever hands over files: releases, backups, claims',
    threats: [
      {
        threat: 'a release that was changed, or is signed by nobody known',
        held: 'Signed descriptions, hashes while unpacking.',
        tests: one(
          'test/updates/release-manifest.test.ts',
          'a release is refused unless one of the keys signed it',
          'a flipped bit anywhere in a description is noticed',
        ),
      },
      {
        threat: 'tricks with paths, links, sizes and devices in archives',
        held: 'A strict profile of archives; whole or nothing.',
        tests: one(
          archive,
          'no path leads out of the folder',
          'nothing is written through a link',
          'hard links, devices, pipes and extended headers are refused',
          'sizes that are stated and not there take nothing from the disk',
        ).concat(
          one(
            'test/updates/untrusted.test.ts',
            'a link of a release goes up first and then straight down: what leads through another name on its way is refused',
          ),
        ),
      },
      {
        threat: 'a backup that was found, changed, or leads elsewhere',
        held: 'scrypt and AES-256-GCM over all of it; names of files from a fixed list of places.',
        tests: one(
          'test/identity/vault.test.ts',
          'a backup opens with its passphrase and no other, and shows nothing of what is in it',
          'a backup of which anything was changed or cut off does not open at all',
          'a backup with paths that lead elsewhere, or a file twice, is refused as a whole',
        ),
      },
      {
        threat:
          'the broker’s user, taken over, leads the authority elsewhere by links in the broker’s folder',
        held: 'Owner and mode are set on the open file, never by its name.',
        tests: one(
          publishing,
          'a link in the folder of the broker leads the authority nowhere, and its files stay its own',
        ),
      },
      {
        threat: 'the record of the authority is read by others',
        held: 'Claims are hashed; keys of devices were never there.',
        tests: one(service, 'nothing that is kept of a claim or a device lets anybody be that device'),
      },
    ],
  },
  {
    attacker: 'Whoever reads logs, bundles and pictures',
    threats: [
      {
        threat: 'finds passwords, keys, claims or tokens in them',
        held: 'Secrets are files that are named, never values; what is shown is redacted.',
        tests: [
          ...one(
            'test/gateway/inspection.test.ts',
            'Passwords and tokens are redacted wherever they stand, and logins in addresses',
          ),
          ...one(
            'test/system/secrets.test.ts',
            'a gateway with certificate, key and password tells none of them: not in its log, on the broker, in config.show, doctor or its environment',
          ),
          ...one(
            'test/cli/doctor-bundle.test.ts',
            'a secret that is known is blanked wherever it stands, and so is what has the form of one',
            'the bundle of the doctor holds what a support call asks, and no secret of the configuration, its files or the log',
          ),
          ...one(
            'test/cli/provision.test.ts',
            'from an empty folder to a provisioned device, its backup, its replacement and back to nothing, by commands alone',
          ),
        ],
      },
      {
        threat: 'sees shoppers',
        held: 'Frames stay in memory on the device, unless a technician records there.',
        tests: one(
          'test/vision/process-privacy.test.ts',
          "A frame leaves the device on no way but a technician's recording, and that is erased",
        ),
      },
    ],
  },
];
