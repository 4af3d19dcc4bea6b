//! CreateVirtualMFADevice: a device whose seed is shown once, as text and as an image to photograph.
//!
//! Not here: whose it becomes; EnableMFADevice says. Invariant: the seed is in the answer and nowhere else.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html>

use kanuki_store::Transaction;
use kanuki_types::{AccountId, SecretBytes};
use qrcodegen::{QrCode, QrCodeEcc};
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    members, mfa,
    tags::{self, Tag},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{MfaDeviceRecord, mfa_serial},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    secret_text::SecretText,
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreateVirtualMfaDevice;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    path: String,
    name: String,
    tags: Vec<(String, String)>,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    #[serde(rename = "VirtualMFADevice")]
    device: NewDevice,
}

/// The device with its secrets.
#[derive(Debug, Serialize)]
pub(super) struct NewDevice {
    #[serde(rename = "SerialNumber")]
    serial: String,
    #[serde(rename = "Base32StringSeed")]
    seed: SecretText,
    #[serde(rename = "QRCodePNG")]
    image: SecretText,
    #[serde(rename = "Tags")]
    tags: Option<Vec<Tag>>,
}

impl Operation for CreateVirtualMfaDevice {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "CreateVirtualMFADevice", &["VirtualMFADeviceName", "Path", "Tags"]);
    type Input = Input;
    type Target = String;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            path: members::path(fields, "Path")?.unwrap_or_else(|| "/".into()),
            name: members::required_name(fields, "VirtualMFADeviceName", NAME_CHARS_MAX)?,
            tags: tags::read_new(fields)?,
        })
    }

    async fn plan(_: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<String>, ApiError> {
        let account = caller.caller().account;
        let serial = mfa_serial(account, &input.path, &input.name);
        if serial.len() > mfa::SERIAL_CHARS_MAX {
            let message = format!("A serial number has at most {} characters.", mfa::SERIAL_CHARS_MAX);
            return Err(ApiError::validation(message));
        }
        let demand = |action| {
            let access = mfa::access(account, serial.clone(), std::collections::BTreeMap::new());
            Demand::on_entity(action, access)
        };
        let demands = ["iam:CreateVirtualMFADevice", "iam:TagMFADevice"].map(demand);
        Ok(tags::plan_of_new(serial, demands, &input.tags))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, serial) = (authorized.input(), authorized.target());
        let account = authorized.caller().caller().account;
        if doors.identity.mfa_device_exists(account, &input.path, &input.name).await? {
            let message = "MFADevice entity at the same path and name already exists.";
            return Err(ApiError::new(ErrorCode::AlreadyExists, message));
        }
        let mut all_tags = std::collections::BTreeMap::new();
        tags::add(&mut all_tags, &input.tags, "TagsPerMFADevice")?;
        let (sealed_seed, seed) = doors.identity.new_mfa_seed(serial).await?;
        let record = MfaDeviceRecord {
            path: input.path.clone(),
            name: input.name.clone(),
            created: authorized.circumstances().now,
            sealed_seed,
            assigned: None,
            last_taken: None,
            drift: 0,
            failures: Vec::new(),
            tags: all_tags,
        };
        let mut change = Transaction::default();
        doors.identity.create_mfa_device(&mut change, account, &record);
        let device = NewDevice {
            serial: serial.clone(),
            seed: SecretText::base64(&seed),
            image: SecretText::base64(&image(&input.name, account, &seed)?),
            tags: (!record.tags.is_empty()).then(|| tags::listed(&record.tags)),
        };
        let elements = json!({ "virtualMFADevice": { "serialNumber": serial } });
        Ok(Outcome::change(change, Output { device }).with_response_elements(elements))
    }
}

/// The image that an app photographs: a URI with the seed, in the form that authenticator apps agree on.
fn image(name: &str, account: AccountId, seed: &SecretBytes) -> Result<SecretBytes, ApiError> {
    let seed = std::str::from_utf8(seed.expose()).map_err(ApiError::internal)?;
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let uri = Zeroizing::new(format!("otpauth://totp/{name}@{account}?secret={seed}&issuer=Kanuki"));
    let code = QrCode::encode_text(&uri, QrCodeEcc::Medium).map_err(ApiError::internal)?;
    let side = (code.size() + 2 * QUIET_MODULES) * MODULE_PIXELS;
    let mut pixels = Zeroizing::new(Vec::new());
    for y in 0..side {
        for x in 0..side {
            let module = |pixel: i32| pixel / MODULE_PIXELS - QUIET_MODULES;
            pixels.push(if code.get_module(module(x), module(y)) { 0 } else { u8::MAX });
        }
    }
    let side = u32::try_from(side).map_err(ApiError::internal)?;
    let mut file = Zeroizing::new(Vec::new());
    let mut encoder = png::Encoder::new(&mut *file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(ApiError::internal)?;
    writer.write_image_data(&pixels).map_err(ApiError::internal)?;
    writer.finish().map_err(ApiError::internal)?;
    Ok(SecretBytes::new(std::mem::take(&mut *file)))
}

/// Longest name, in characters; the model names no limit, and the serial number has one.
const NAME_CHARS_MAX: usize = 226;
/// Side of a module of the image, in pixels.
const MODULE_PIXELS: i32 = 4;
/// The white border that readers need, in modules (ISO/IEC 18004).
const QUIET_MODULES: i32 = 4;
