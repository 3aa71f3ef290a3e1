//! OpenSSL's verifier accepts what ECDSA and RSA keys sign through our builder, and we accept what OpenSSL signs.

use latchkey_crypto::cms::{
    ContentHasher, DetachedSignature, DigestAlgorithm, SignatureFault, SignatureForm, SignaturePolicy, SignedAttributes,
};
use latchkey_crypto::sha2::Sha2;
use latchkey_crypto::signature::SignatureAlgorithm;
use latchkey_crypto::x509::{PathError, TrustStore};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::RsaPssSaltlen;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyParam;
use openssl::x509::{X509, X509Name};
use time::OffsetDateTime;
use time::macros::datetime;

use super::{NOW, NothingRevoked, Verdict, certificate, judge_at};

/// After OpenSSL signs, which it does by the machine's clock.
const LATER: OffsetDateTime = datetime!(2048-01-01 0:00 UTC);
const CONTENTS: &[u8] = b"a contract\r\nin two lines\n";

/// What a holder's certificate is for; an authority's is for none of it.
#[derive(Clone, Copy)]
enum For {
    SignIn,
    Documents,
}

struct Signer {
    name: &'static str,
    algorithm: SignatureAlgorithm,
    key: PKey<Private>,
    certificate: X509,
    root: X509,
    of_root: PKey<Private>,
}

fn signers() -> Vec<Signer> {
    let curve = |curve| {
        let group = EcGroup::from_curve_name(curve).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    let rsa = || PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let rows = [
        ("P-256", SignatureAlgorithm::Ecdsa(Sha2::Sha256), curve(Nid::X9_62_PRIME256V1)),
        ("P-384", SignatureAlgorithm::Ecdsa(Sha2::Sha384), curve(Nid::SECP384R1)),
        ("P-521", SignatureAlgorithm::Ecdsa(Sha2::Sha512), curve(Nid::SECP521R1)),
        ("RSA", SignatureAlgorithm::RsaPkcs1(Sha2::Sha256), rsa()),
        ("RSA with SHA-512", SignatureAlgorithm::RsaPkcs1(Sha2::Sha512), rsa()),
        ("RSA-PSS", SignatureAlgorithm::RsaPss(Sha2::Sha256), rsa()),
    ];
    let of_root = curve(Nid::SECP384R1);
    let root = issue(&of_root, "root", &of_root, "root", None);
    let signer = |(name, algorithm, key): (_, _, PKey<Private>)| {
        let certificate = issue(&key, "signer", &of_root, "root", Some(For::Documents));
        Signer { name, algorithm, key, certificate, root: root.clone(), of_root: of_root.clone() }
    };
    rows.into_iter().map(signer).collect()
}

fn issue(key: &PKey<Private>, subject: &str, issuer: &PKey<Private>, issuer_name: &str, purpose: Option<For>) -> X509 {
    let name = |common_name| {
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", common_name).unwrap();
        name.build()
    };
    let at = |seconds: i64| Asn1Time::from_unix(NOW.unix_timestamp() + seconds).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    // Its first octet would be negative without a zero before it.
    builder.set_serial_number(&BigNum::from_u32(0xC077).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name(subject)).unwrap();
    builder.set_issuer_name(&name(issuer_name)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&at(-800_000_000)).unwrap();
    builder.set_not_after(&at(700_000_000)).unwrap();
    let mut usage = KeyUsage::new();
    match purpose {
        None => {
            builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
            usage.key_cert_sign();
        }
        Some(For::SignIn) => {
            usage.digital_signature();
        }
        Some(For::Documents) => {
            usage.digital_signature().non_repudiation();
        }
    }
    builder.append_extension(usage.critical().build().unwrap()).unwrap();
    builder.append_extension(ExtendedKeyUsage::new().email_protection().build().unwrap()).unwrap();
    builder.sign(issuer, MessageDigest::sha384()).unwrap();
    builder.build()
}

impl Signer {
    /// Signs as a card would: the hash value, r ‖ s for ECDSA.
    fn card(&self, hash: &[u8]) -> Vec<u8> {
        if let SignatureAlgorithm::Ecdsa(sha) = self.algorithm {
            let signature = EcdsaSig::sign(hash, &self.key.ec_key().unwrap()).unwrap();
            let size = if sha == Sha2::Sha512 { 66 } else { i32::try_from(sha.size()).unwrap() };
            let half = |number: &openssl::bn::BigNumRef| number.to_vec_padded(size).unwrap();
            return [half(signature.r()), half(signature.s())].concat();
        }
        let mut context = PkeyCtx::new(&self.key).unwrap();
        context.sign_init().unwrap();
        let (padding, digest) = match self.algorithm {
            SignatureAlgorithm::RsaPss(_) => (Padding::PKCS1_PSS, openssl::md::Md::sha256()),
            SignatureAlgorithm::RsaPkcs1(Sha2::Sha512) => (Padding::PKCS1, openssl::md::Md::sha512()),
            _ => (Padding::PKCS1, openssl::md::Md::sha256()),
        };
        context.set_rsa_padding(padding).unwrap();
        context.set_signature_md(digest).unwrap();
        if padding == Padding::PKCS1_PSS {
            context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        }
        let mut signature = Vec::new();
        context.sign_to_vec(hash, &mut signature).unwrap();
        signature
    }

    fn sign(&self, contents: &[u8]) -> DetachedSignature {
        let mut hasher = ContentHasher::new(DigestAlgorithm::of_signature(self.algorithm));
        hasher.update(contents);
        let own = certificate(&self.certificate.to_der().unwrap());
        let attributes = SignedAttributes::new(hasher.finish(), own, self.algorithm, NOW).unwrap();
        let signature = self.card(&attributes.hash());
        attributes.signed(&signature).unwrap()
    }

    /// OpenSSL's verdict, with the signing-certificate attribute checked too (`openssl cms -verify -cades`).
    fn is_accepted_by_openssl(&self, message: &[u8], elsewhere: Option<&[u8]>) -> bool {
        const CADES: u32 = 0x10_0000;
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(self.root.clone()).unwrap();
        let mut parameters = X509VerifyParam::new().unwrap();
        parameters.set_time(NOW.unix_timestamp());
        store.set_param(&parameters).unwrap();
        let mut output = Vec::new();
        let verified = CmsContentInfo::from_der(message).unwrap().verify(
            None,
            Some(&store.build()),
            elsewhere,
            Some(&mut output),
            CMSOptions::BINARY | CMSOptions::from_bits_retain(CADES),
        );
        verified.is_ok()
    }

    fn verdict(&self, message: &[u8], elsewhere: Option<&[u8]>) -> SignatureForm {
        self.judge(message, elsewhere).unwrap_or_else(|fault| panic!("{}: {fault}", self.name)).form
    }

    fn judge(&self, message: &[u8], elsewhere: Option<&[u8]>) -> Verdict {
        let trust = TrustStore::new(vec![certificate(&self.root.to_der().unwrap())], Vec::new()).unwrap();
        let policy = SignaturePolicy { trust: &trust, revocation: &NothingRevoked };
        judge_at(message, elsewhere, &policy, LATER).remove(0)
    }
}

#[test]
fn openssl_accepts_what_cards_with_ecdsa_and_rsa_keys_sign() {
    for signer in signers() {
        let signature = signer.sign(CONTENTS);
        let parts = signature.attached_to(CONTENTS.len() as u64);
        let attached = [parts.head.as_slice(), CONTENTS, &parts.tail].concat();
        assert!(signer.is_accepted_by_openssl(&signature.to_der(), Some(CONTENTS)), "{}: detached", signer.name);
        assert!(signer.is_accepted_by_openssl(&attached, None), "{}: attached", signer.name);
        assert!(!signer.is_accepted_by_openssl(&signature.to_der(), Some(b"other")), "{}: other", signer.name);
        assert_eq!(signer.verdict(&signature.to_der(), Some(CONTENTS)), SignatureForm::CadesBaseline);
        assert_eq!(signer.verdict(&attached, None), SignatureForm::CadesBaseline);
    }
}

#[test]
fn what_openssl_signs_is_accepted() {
    let detached = CMSOptions::BINARY | CMSOptions::DETACHED;
    for signer in signers().iter().filter(|signer| signer.name != "RSA-PSS") {
        for (form, options) in [("attached", CMSOptions::BINARY), ("detached", detached)] {
            let message =
                CmsContentInfo::sign(Some(&signer.certificate), Some(&signer.key), None, Some(CONTENTS), options);
            let message = message.unwrap().to_der().unwrap();
            let elsewhere = (form == "detached").then_some(CONTENTS);
            assert_eq!(signer.verdict(&message, elsewhere), SignatureForm::Cms, "{}, {form}", signer.name);
        }
    }
}

/// OpenSSL signs with any certificate; what a certificate for signing in alone signs does not count.
#[test]
fn a_signature_by_a_key_for_signing_in_alone_does_not_count() {
    for signer in signers().iter().filter(|signer| signer.name != "RSA-PSS") {
        let own = issue(&signer.key, "signer", &signer.of_root, "root", Some(For::SignIn));
        let message = CmsContentInfo::sign(Some(&own), Some(&signer.key), None, Some(CONTENTS), CMSOptions::BINARY);
        let verdict = signer.judge(&message.unwrap().to_der().unwrap(), None);
        assert_eq!(verdict.unwrap_err(), SignatureFault::Path(PathError::WrongKeyUsage), "{}", signer.name);
    }
}
