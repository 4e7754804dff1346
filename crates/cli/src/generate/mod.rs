//! `oxbpf gen`: what is made of objects.

mod description;
mod sign;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use oxbpf::obj::LightLoader;
use oxbpf::{LightLoad, LoadOptions, Object, Signature};

use crate::args::{GenCommand, LoadArgs, LoaderArgs};
use crate::error::Error;
use description::Description;

const DESCRIPTION: &str = "loader.json";
const INSNS: &str = "loader.insns";
const DATA: &str = "loader.data";
const SIGNATURE: &str = "loader.p7s";

pub(crate) fn run(command: &GenCommand) -> Result<(), Error> {
    match command {
        GenCommand::Loader(args) => loader(args),
        GenCommand::Load(args) => load(args),
    }
}

/// Makes a loader of an object.
fn loader(args: &LoaderArgs) -> Result<(), Error> {
    let spec = oxbpf::open(&args.object)?;
    let kconfig = args.kconfig.as_deref().map(read).transpose()?;
    let kconfig = kconfig.map(|text| String::from_utf8_lossy(&text).into_owned());
    let options = LoadOptions { kconfig, ..LoadOptions::default() };
    let loader = Object::light_loader(&spec, &options, args.check_hash || args.key.is_some())?;
    let signature = match (&args.key, &args.cert) {
        (Some(key), Some(cert)) => Some(sign::sign(&loader.encoded(), key, cert)?),
        _ => None,
    };
    fs::create_dir_all(&args.output).map_err(|source| Error::Create { path: args.output.clone(), source })?;
    let put = |name: &str, bytes: &[u8]| {
        let path = args.output.join(name);
        fs::write(&path, bytes).map_err(|source| Error::Create { path, source })
    };
    put(INSNS, &loader.encoded())?;
    put(DATA, &loader.data)?;
    match &signature {
        Some(signature) => put(SIGNATURE, signature)?,
        // That of another would not fit.
        None => drop(fs::remove_file(args.output.join(SIGNATURE))),
    }
    let description = Description::of(&loader, signature.is_some());
    let mut text = serde_json::to_vec_pretty(&description).map_err(|error| Error::Print(error.into()))?;
    text.push(b'\n');
    put(DESCRIPTION, &text)
}

/// Loads an object by its loader.
fn load(args: &LoadArgs) -> Result<(), Error> {
    let (loader, signature) = open(&args.directory)?;
    let signature = signature.map(|pkcs7| Signature { pkcs7, keyring: args.keyring });
    let object = Object::load_light(&loader, &LightLoad { signature, ..LightLoad::default() })?;
    if let Some(directory) = &args.pin {
        object.pin(directory)?;
    }
    let mut out = io::stdout().lock();
    if args.json {
        let names = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let told = serde_json::json!({
            "object": object.name(),
            "maps": names(object.maps().iter().map(oxbpf::Map::name).collect()),
            "programs": names(object.programs().iter().map(oxbpf::Program::name).collect()),
        });
        return writeln!(out, "{told}").map_err(Error::Print);
    }
    for map in object.maps() {
        writeln!(out, "map {} ({})", map.name(), map.map_type()).map_err(Error::Print)?;
    }
    for program in object.programs() {
        writeln!(out, "program {} ({})", program.name(), program.prog_type()).map_err(Error::Print)?;
    }
    Ok(())
}

/// The loader in a directory, and its signature if it has one.
fn open(directory: &Path) -> Result<(LightLoader, Option<Vec<u8>>), Error> {
    let path = directory.join(DESCRIPTION);
    let text = read(&path)?;
    let description: Description = serde_json::from_slice(&text)
        .map_err(|error| Error::Read { path: path.clone(), source: error.into() })?;
    let is_signed = description.signed;
    let loader = description.loader(&read(&directory.join(INSNS))?, read(&directory.join(DATA))?);
    let loader = loader.ok_or_else(|| Error::Usage {
        reason: format!("{}: another format than this program's", path.display()),
    })?;
    let signature = is_signed.then(|| read(&directory.join(SIGNATURE))).transpose()?;
    Ok((loader, signature))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}
