//! The images of functions that run in containers, and the engine that has them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::OnceCell;

use super::deploy::Deployer;
use crate::event::ImageFault;
use crate::model::Function;
use crate::process::Engine;

/// What to do where no engine is.
const NO_ENGINE: &str = "there is neither podman nor docker on the search path: install one of them, or name in x-local.command \
                         the command that stands for the image on this machine";

/// The engine of this machine, looked for while a function needs one and there is none.
#[derive(Debug, Default)]
pub(super) struct Images {
    engine: OnceLock<Arc<Engine>>,
    /// Whether the containers of killed fc-locals were removed.
    is_clean: OnceCell<()>,
}

impl Deployer {
    /// The engine for the function, if the function is an image and this machine has an engine.
    pub(super) fn engine_for(&self, function: &Function) -> Option<Arc<Engine>> {
        function.container.as_ref()?;
        let Images { engine, .. } = &self.images;
        if engine.get().is_none()
            && let Some(found) = Engine::find(self.workspace.folder())
        {
            // Another deployment may have found the same.
            _ = engine.set(Arc::new(found));
        }
        engine.get().cloned()
    }

    /// The folder of the function's code. An image has an empty one.
    pub(super) fn code_of(&self, function: &Function) -> Result<PathBuf, String> {
        match function.container {
            Some(_) => self.workspace.nothing().map_err(|error| error.to_string()),
            None => Ok(function.code.clone()),
        }
    }

    /// Notes what the function's image is now. A function without one stays as it is. An error says what is wrong.
    pub(super) async fn settle_image(&self, function: &mut Function) -> Result<(), ImageFault> {
        let engine = self.engine_for(function);
        let Some(container) = &mut function.container else { return Ok(()) };
        let image = container.image.clone();
        let Some(engine) = engine else { return Err(ImageFault { image, error: NO_ENGINE.to_owned() }) };
        self.images.is_clean.get_or_init(|| engine.remove_leftovers()).await;
        match engine.image(&image).await {
            Ok(id) => container.id = Some(id),
            Err(why) => {
                let name = engine.name();
                let error = format!(
                    "{why}; build it in a step of the manifest (`{name} build --tag {image} .`), or fetch it (`{name} pull {image}`)"
                );
                return Err(ImageFault { image, error });
            }
        }
        Ok(())
    }
}
