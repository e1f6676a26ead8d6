import { hash } from 'node:crypto';

const firstNames =
  'Ada Aisha Akira Amara Anouk Arjun Astrid Beatriz Björn Carmen Chloé Chidi Clara Dalia Dmitri Elif Emil Esther Fatima Felix Freya Giulia Hana Hiro Idris Inés Ingrid Jamal Jonas Julia Kaito Karin Kofi Lara Leila Lena Luca Łukasz Maja Marco Mateo Mei Milan Mina Nadia Nils Noor Olga Olu Pavel Priya Rania Rosa Samir Sara Sofia Tariq Theo Valentina Viktor Wei Yara Yusuf Zoe'.split(
    ' ',
  );
const lastNames =
  'Ahmadi Almeida Andersen Bauer Berg Bianchi Castro Chen Costa Dubois Eriksen Fernández Fischer Fontaine García Gruber Haddad Hansen Horvat Ito Ivanova Jansen Kaya Keller Kim Kowalski Lambert Larsen Lindqvist Lopes Mäkinen Martins Mendes Meyer Moretti Mwangi Nakamura Nguyen Novák Okafor Oliveira Papadopoulos Patel Pereira Petrov Popescu Rahman Ricci Rossi Sánchez Santos Schmidt Silva Singh Sousa Suzuki Tanaka Torres Vargas Vogel Weber Yılmaz Zhang Zimmermann'.split(
    ' ',
  );

/** A made-up person, always the same for the same text. The address is under example.com, which belongs to nobody. */
export function guest(of: string): { firstName: string; lastName: string; email: string } {
  const digest = hash('sha256', of, 'buffer');
  const firstName = firstNames[digest.readUInt16BE(0) % firstNames.length] as string;
  const lastName = lastNames[digest.readUInt16BE(2) % lastNames.length] as string;
  const plain = `${firstName}.${lastName}`
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replaceAll('Ł', 'L')
    .replaceAll('ı', 'i')
    .toLowerCase();
  return { firstName, lastName, email: `${plain}.${digest.toString('hex', 4, 10)}@example.com` };
}
